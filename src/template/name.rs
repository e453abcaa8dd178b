//! Names of servers: a grammar that is safe in every file, and words that would get in the way.

use crate::error::{Code, Error, Result};
use crate::path::is_device;
use crate::template::spec::Names;

/// How long a name may be.
pub const MAX_LENGTH: usize = 64;

/// The package that a server called `name` lives in.
#[must_use]
pub fn package(name: &str) -> String {
    name.replace('-', "_")
}

/// Checks `name` against the grammar and against what the language keeps for itself.
///
/// # Errors
/// When it cannot be used; the hint suggests a name that can.
pub fn check(name: &str, names: &Names) -> Result<()> {
    let Some(reason) = fault(name, names) else { return Ok(()) };
    let error = Error::new(Code::NameInvalid, format!("{name:?} cannot be the server's name: {reason}"));
    Err(error.hint(format!("try {}", suggest(name, names))))
}

/// The usable name that comes nearest to `text`.
#[must_use]
pub fn suggest(text: &str, names: &Names) -> String {
    let base = slug(text);
    let bare = base.strip_suffix("-server").unwrap_or(&base);
    let candidates = [base.clone(), format!("{bare}-server"), format!("{bare}-mcp"), format!("my-{bare}")];
    let usable = candidates.into_iter().find(|name| fault(name, names).is_none());
    usable.unwrap_or_else(|| "my-server".to_owned())
}

/// Why `name` cannot be used.
fn fault(name: &str, names: &Names) -> Option<String> {
    let package = package(name);
    let holds = |list: &[String]| list.iter().any(|word| word.eq_ignore_ascii_case(&package));
    if name.is_empty() {
        Some("it is empty".to_owned())
    } else if name.chars().count() > MAX_LENGTH {
        Some(format!("it is longer than {MAX_LENGTH} characters"))
    } else if !follows_grammar(name) {
        Some(
            "it must be lower-case words of letters and digits joined by single hyphens, a letter first"
                .to_owned(),
        )
    } else if is_device(name) {
        Some("Windows keeps it for a device".to_owned())
    } else if holds(&names.reserved) {
        Some(format!("{package:?} is a word or a standard module of the language"))
    } else if holds(&names.shadows) {
        Some(format!("the package {package:?} would shadow a dependency of the server"))
    } else {
        None
    }
}

/// `^[a-z][a-z0-9]*(-[a-z0-9]+)*$`
fn follows_grammar(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.split('-').all(|word| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
}

/// `MyServer`, `my server`, `my_server!` → `my-server`.
fn slug(text: &str) -> String {
    let mut out = String::new();
    let mut after_lower = false;
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            if c.is_ascii_uppercase() && after_lower {
                out.push('-');
            }
            out.push(c.to_ascii_lowercase());
        } else if !out.ends_with('-') && !is_apostrophe(c) {
            out.push('-');
        }
        after_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
    }
    let out =
        out.trim_matches(|c: char| c == '-').trim_start_matches(|c: char| c.is_ascii_digit() || c == '-');
    let short: String = out.chars().take(MAX_LENGTH).collect();
    short.trim_end_matches('-').to_owned()
}

const fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let list = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        Names {
            reserved: list(&["class", "json", "None"]),
            shadows: list(&["mcp", "redis", "redis_server", "redis_mcp"]),
        }
    }

    #[test]
    fn the_grammar_and_the_length() {
        for name in ["a", "my-server", "a1", "a-1", "x2-3y", &"a".repeat(64)] {
            assert_eq!(check(name, &names()), Ok(()), "{name}");
        }
        for name in
            ["", "-a", "a-", "a--b", "A", "1a", "a_b", "a b", "ä", "a.b", "a/b", "a\n", "..", &"a".repeat(65)]
        {
            let error = check(name, &names()).unwrap_err();
            assert_eq!(error.code, Code::NameInvalid, "{name:?}");
        }
    }

    #[test]
    fn what_the_language_the_dependencies_and_windows_keep_is_refused_with_the_reason() {
        for (name, reason, hint) in [
            ("class", "standard module", "try class-server"),
            ("none", "standard module", "try none-server"),
            ("mcp", "shadow a dependency", "try mcp-server"),
            ("redis", "shadow a dependency", "try my-redis"),
            ("redis-server", "shadow a dependency", "try my-redis"),
            ("nul", "device", "try nul-server"),
            ("com1", "device", "try com1-server"),
        ] {
            let error = check(name, &names()).unwrap_err();
            assert!(error.message.contains(reason), "{error:?}");
            assert_eq!(error.hint.as_deref(), Some(hint));
        }
    }

    #[test]
    fn a_suggestion_is_always_usable() {
        for (text, suggestion) in [
            ("MyServer", "my-server"),
            ("My Server!", "my-server"),
            ("my__server", "my-server"),
            ("  9 lives ", "lives"),
            ("don't", "dont"),
            ("HTTPServer2Go", "httpserver2-go"),
            ("日本", "my-server"),
            ("", "my-server"),
            ("Class", "class-server"),
        ] {
            assert_eq!(suggest(text, &names()), suggestion);
        }
        for text in ["x".repeat(200), "a-".repeat(90), "-".repeat(70), format!("{}-", "y".repeat(63))] {
            let suggestion = suggest(&text, &names());
            assert_eq!(check(&suggestion, &names()), Ok(()), "{suggestion}");
        }
    }
}
