//! Looks for unsafe code, secrets, licences that are not allowed and known vulnerabilities.
//!
//! It fails when something was found, and when the vulnerability database could not be asked and `ALLOW_UNAUDITED=1`
//! does not accept that.

mod crates;
mod secrets;
mod source;

use std::env;

use crate::Outcome;

/// What a check came to.
enum Found {
    /// What was found; nothing, when all is clean.
    These(Vec<String>),
    /// Why nothing is known.
    Unknown(String),
}

/// Runs every check, and fails in the end when one did.
pub fn run() -> Outcome {
    let accepted = env::var("ALLOW_UNAUDITED").is_ok_and(|value| value == "1");
    let checks = [
        ("unsafe code", source::unsafe_code("src")?),
        ("secrets", secrets::planted_in(".")?),
        ("licences, bans, sources", crates::policy()?),
        ("advisories", crates::advisories()?),
    ];
    let mut failed = Vec::new();
    for (name, found) in checks {
        let (line, is_bad) = found.told(name, accepted);
        println!("{line}");
        failed.extend(is_bad.then_some(name));
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("the scan failed: {}", failed.join(", ")).into()) }
}

impl Found {
    fn told(&self, name: &str, accepted: bool) -> (String, bool) {
        match self {
            Self::These(findings) if findings.is_empty() => (format!("{name}: clean"), false),
            Self::These(findings) => {
                (format!("{name}: {} found\n  {}", findings.len(), findings.join("\n  ")), true)
            }
            Self::Unknown(why) if accepted => {
                (format!("{name}: NOT CHECKED, {why} (accepted by ALLOW_UNAUDITED=1)"), false)
            }
            Self::Unknown(why) => {
                (format!("{name}: NOT CHECKED, {why}; set ALLOW_UNAUDITED=1 to accept that"), true)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn three_outcomes_are_told_apart() {
        let told = |found: Found, accepted| found.told("x", accepted);
        assert_eq!(told(Found::These(vec![]), false), ("x: clean".to_owned(), false));
        assert_eq!(told(Found::These(vec!["a".to_owned()]), true), ("x: 1 found\n  a".to_owned(), true));
        let (line, failed) = told(Found::Unknown("no answer".to_owned()), false);
        assert!(failed && line.contains("set ALLOW_UNAUDITED=1"), "{line}");
        let (line, failed) = told(Found::Unknown("no answer".to_owned()), true);
        assert!(!failed && line.contains("NOT CHECKED, no answer"), "{line}");
    }

    #[test]
    fn what_is_planted_is_found_and_the_secret_is_not_told() {
        let folder = tempfile::tempdir().unwrap();
        let key = ["AKIA", "QYLPMN5HFIQR7XYA"].concat();
        let planted =
            format!("// unsafe {{}}\nconst KEY: &str = \"{key}\";\nunsafe {{ run() }}\nlet unsafely = 1;\n");
        fs::write(folder.path().join("planted.rs"), planted).unwrap();
        let lines = |found: Found| match found {
            Found::These(findings) => findings.join("\n"),
            Found::Unknown(why) => why,
        };
        let secrets = lines(secrets::planted_in(folder.path()).unwrap());
        assert_eq!(secrets, "planted.rs:2: AWS access key");
        let unsafe_code = lines(source::unsafe_code(folder.path()).unwrap());
        assert!(unsafe_code.ends_with("planted.rs:3: unsafe code"), "{unsafe_code}");
        assert_eq!(unsafe_code.lines().count(), 1, "{unsafe_code}");
    }
}
