//! What cargo-deny says of the crates: `deny.toml` is the policy, and the advisory database tells what is vulnerable.

use std::path::Path;
use std::process::{Command, Output};

use super::Found;
use crate::Outcome;

/// Where `make security-scan` puts it when the machine has none.
const OWN: &str = "target/tools/bin/cargo-deny";

/// Licences, bans and sources need no network.
pub fn policy() -> Outcome<Found> {
    let output = deny(&["--offline", "check", "--hide-inclusion-graph", "licenses", "bans", "sources"])?;
    Ok(Found::These(errors_of(&output)))
}

/// The database's answer and its silence differ.
pub fn advisories() -> Outcome<Found> {
    let fetched = deny(&["fetch", "db"])?;
    if !fetched.status.success() {
        return Ok(Found::Unknown("the advisory database could not be fetched".to_owned()));
    }
    Ok(Found::These(errors_of(&deny(&["check", "--disable-fetch", "--hide-inclusion-graph", "advisories"])?)))
}

fn deny(arguments: &[&str]) -> Outcome<Output> {
    let own = Path::new(OWN);
    let program = if own.with_extension(std::env::consts::EXE_EXTENSION).exists() {
        own
    } else {
        Path::new("cargo-deny")
    };
    Ok(Command::new(program).args(["--color", "never"]).args(arguments).output()?)
}

/// The messages of what failed, with the lines that show where.
fn errors_of(output: &Output) -> Vec<String> {
    if output.status.success() {
        return Vec::new();
    }
    let told = String::from_utf8_lossy(&output.stderr);
    let errors: Vec<_> =
        told.split("\n\n").map(str::trim).filter(|part| part.contains("error")).map(indented).collect();
    if errors.is_empty() { vec![indented(&told)] } else { errors }
}

fn indented(text: &str) -> String {
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n    ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a program prints and how it ends.
    fn output(script: &str) -> Output {
        Command::new("sh").args(["-c", script]).output().unwrap()
    }

    #[cfg(unix)]
    #[test]
    fn what_failed_is_told_and_warnings_are_not() {
        let told = "printf 'warning: old\\n\\nerror[rejected]: not allowed\\n  license = X\\n\\nlicenses FAILED\\n' >&2";
        assert_eq!(
            errors_of(&output(&format!("{told}; exit 4"))),
            ["error[rejected]: not allowed\n      license = X"]
        );
        assert!(errors_of(&output(told)).is_empty());
        assert_eq!(errors_of(&output("echo broken >&2; exit 1")), ["broken"]);
    }
}
