//! Patterns of ECMA-262 in the syntax of `regex-syntax`.
//!
//! Invariant: the translation matches the same strings; where that is in doubt there is none.

const SPACE: &str =
    r"\t\n\x0B\x0C\r \u{A0}\u{1680}\u{2000}-\u{200A}\u{2028}\u{2029}\u{202F}\u{205F}\u{3000}\u{FEFF}";

/// The pattern in the syntax of `regex-syntax`; none when the two mean different things.
pub fn translate(pattern: &str) -> Option<String> {
    if pattern.contains("{,") {
        return None;
    }
    let mut out = String::new();
    let mut letters = pattern.chars().peekable();
    let mut in_class = false;
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => {
                let escaped = letters.next()?;
                match (escaped, in_class) {
                    ('d', false) => out.push_str("[0-9]"),
                    ('d', true) => out.push_str("0-9"),
                    ('D', _) => out.push_str("[^0-9]"),
                    ('w', false) => out.push_str("[A-Za-z0-9_]"),
                    ('w', true) => out.push_str("A-Za-z0-9_"),
                    ('W', _) => out.push_str("[^A-Za-z0-9_]"),
                    ('s', false) => out.push_str(&format!("[{SPACE}]")),
                    ('s', true) => out.push_str(SPACE),
                    ('S', _) => out.push_str(&format!("[^{SPACE}]")),
                    ('b', true) => out.push_str(r"\x08"),
                    ('0', _) if !letters.peek().is_some_and(char::is_ascii_digit) => out.push_str(r"\x00"),
                    (
                        'b' | 'B' | 'k' | 'c' | '0'..='9' | 'A' | 'z' | 'Z' | 'a' | 'Q' | 'E' | '<' | '>',
                        _,
                    ) => return None,
                    _ => out.extend(['\\', escaped]),
                }
            }
            '[' if in_class => out.push_str(r"\["),
            '[' => {
                in_class = true;
                out.push('[');
                if letters.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                if letters.peek() == Some(&']') {
                    return None;
                }
            }
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            '&' | '~' if in_class => out.extend(['\\', letter]),
            '-' if in_class && letters.peek() == Some(&'-') => return None,
            '.' if !in_class => out.push_str(r"[^\n\r\u{2028}\u{2029}]"),
            '(' if !in_class && letters.peek() == Some(&'?') => {
                letters.next();
                match letters.next()? {
                    ':' => out.push_str("(?:"),
                    '<' if !matches!(letters.peek(), Some('=' | '!')) => out.push_str("(?<"),
                    _ => return None,
                }
            }
            _ => out.push(letter),
        }
    }
    Some(out)
}
