//! Names of servers: a grammar that is safe in every file.

use crate::error::{Code, Error, Result};
use crate::path::is_device;

/// How long a name may be.
pub const MAX_LENGTH: usize = 64;

/// A name that nothing stands against, when none comes near what was given.
pub const FALLBACK: &str = "my-server";

/// The error of a name that cannot be used.
pub fn refused(name: &str, reason: &str) -> Error {
    Error::new(Code::NameInvalid, format!("{name:?} cannot be the server's name: {reason}"))
}

/// Checks a name before the language is known.
pub fn check(name: &str) -> Result<()> {
    let Some(reason) = fault(name) else { return Ok(()) };
    let suggestion = candidates(name).into_iter().find(|name| fault(name).is_none());
    Err(refused(name, &reason).hint(format!("try {}", suggestion.as_deref().unwrap_or(FALLBACK))))
}

/// Names that come near `text`, the nearest first.
pub fn candidates(text: &str) -> [String; 4] {
    let base = slug(text);
    let bare = base.strip_suffix("-server").unwrap_or(&base);
    [base.clone(), format!("{bare}-server"), format!("{bare}-mcp"), format!("my-{bare}")]
}

/// Why no server in any language can be called `name`.
pub fn fault(name: &str) -> Option<String> {
    if name.is_empty() {
        Some("it is empty".to_owned())
    } else if name.chars().count() > MAX_LENGTH {
        Some(format!("it is longer than {MAX_LENGTH} characters"))
    } else if !follows_grammar(name) {
        let grammar =
            "it must be lower-case words of letters and digits joined by single hyphens, a letter first";
        Some(grammar.to_owned())
    } else if is_device(name) {
        Some("Windows keeps it for a device".to_owned())
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

    #[test]
    fn the_grammar_and_the_length() {
        for name in ["a", "my-server", "a1", "a-1", "x2-3y", &"a".repeat(64)] {
            assert_eq!(fault(name), None, "{name}");
        }
        for name in
            ["", "-a", "a-", "a--b", "A", "1a", "a_b", "a b", "ä", "a.b", "a/b", "a\n", "..", &"a".repeat(65)]
        {
            assert!(fault(name).is_some(), "{name:?}");
        }
        for name in ["nul", "com1"] {
            assert!(fault(name).unwrap().contains("device"));
        }
    }

    #[test]
    fn text_becomes_the_name_that_comes_nearest() {
        for (text, name) in [
            ("MyServer", "my-server"),
            ("My Server!", "my-server"),
            ("my__server", "my-server"),
            ("  9 lives ", "lives"),
            ("don't", "dont"),
            ("HTTPServer2Go", "httpserver2-go"),
            ("Class", "class"),
        ] {
            assert_eq!(slug(text), name);
        }
        assert_eq!(candidates("redis-server"), ["redis-server", "redis-server", "redis-mcp", "my-redis"]);
    }
}
