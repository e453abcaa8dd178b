//! Text as Unicode defines it: code points, `White_Space`, full case mapping.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use crate::chassis::json;

/// The number of code points.
#[must_use]
pub fn length(text: &str) -> usize {
    text.chars().count()
}

/// At most so many code points of a text that a message repeats.
#[must_use]
pub fn cut(text: &str, longest: usize) -> String {
    text.chars().take(longest).collect()
}

/// Control sequences such as colours, and strings such as window titles.
static ESCAPES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?s)\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_].*?(?:\x07|\x1b\\|\u{9c}|$)|\x1b[ -/]*[0-~]?")
        .expect("a pattern of the program")
});

/// Removes what text from outside must not carry to a terminal or a model: terminal escapes, control characters but
/// newline and tab, bidirectional overrides, Unicode tags.
#[must_use]
pub fn clean(text: &str) -> String {
    let plain = ESCAPES.replace_all(text, "");
    plain.chars().filter(|&c| c == '\n' || c == '\t' || !(c.is_control() || is_invisible(c))).collect()
}

const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{e0000}'..='\u{e007f}')
}

/// Cleans every string and key of a JSON tree, and puts U+FFFD for half a character.
#[must_use]
pub fn clean_tree(value: Value) -> Value {
    json::with_texts(value, &|text| clean(&json::well_formed(text)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cleaning() {
        for (given, wanted) in [
            ("plain\n\ttext", "plain\n\ttext"),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}]0;title\u{7}x", "x"),
            ("a\u{202e}b\u{2066}c\u{e0041}d\u{0}e\u{85}f", "abcdef"),
        ] {
            assert_eq!(clean(given), wanted, "{given:?}");
        }
        assert_eq!(clean_tree(json!({ "a\u{0}": ["\u{1b}[1mx", 1] })), json!({ "a": ["x", 1] }));
    }
}
