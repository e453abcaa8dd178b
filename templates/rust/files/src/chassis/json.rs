//! JSON as clients and services send it: one strict reading, and writing that no client splits at the wrong place.

use std::sync::LazyLock;

use serde::Deserialize as _;
use serde::Serialize;
use serde_json::{Number, Value};

/// Deeper documents are refused.
const MAX_DEPTH: usize = 200;

/// The largest whole number that every client can hold.
pub const MAX_SAFE: i64 = (1 << 53) - 1;

/// Why a text was refused, as the client is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("body is not valid UTF-8")]
    Utf8,
    #[error("body is not valid JSON")]
    Json,
    #[error("body is nested too deeply")]
    Depth,
}

/// Stands in a string for half a character, which JSON can spell and Unicode cannot. It is this process's own, so that
/// no client can send it.
static HALF: LazyLock<String> =
    LazyLock::new(|| format!("\u{fffe}{}\u{fffe}", uuid::Uuid::new_v4().simple()));

/// Reads a document. A byte order mark at its beginning is skipped.
///
/// # Errors
/// What is wrong with it.
pub fn parse(content: &[u8]) -> Result<Value, Refused> {
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let text = std::str::from_utf8(content).map_err(|_| Refused::Utf8)?;
    let (too_deep, has_halves) = scan(text.as_bytes());
    if too_deep {
        return Err(Refused::Depth);
    }
    if has_halves { read(&mend(text)) } else { read(text) }
}

fn read(text: &str) -> Result<Value, Refused> {
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.disable_recursion_limit();
    let value = Value::deserialize(&mut reader).map_err(|_| Refused::Json)?;
    reader.end().map_err(|_| Refused::Json)?;
    Ok(value)
}

/// Whether brackets are nested too deeply, and whether a string may hold half a character.
fn scan(text: &[u8]) -> (bool, bool) {
    let (mut depth, mut deepest, mut in_string, mut has_halves) = (0_usize, 0, false, false);
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            b'"' => in_string = !in_string,
            b'\\' if in_string => {
                has_halves |= unit(&text[at..]).is_some_and(|unit| (0xd800..0xe000).contains(&unit));
                at += 1;
            }
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    (deepest > MAX_DEPTH, has_halves)
}

/// The code unit of `\uXXXX`.
fn unit(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Replaces each half of a character with its stand-in.
fn mend(text: &str) -> String {
    let mut mended = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        mended.push_str(&rest[..at]);
        rest = &rest[at..];
        let high = |unit: &u16| (0xd800..0xdc00).contains(unit);
        let low = |unit: &u16| (0xdc00..0xe000).contains(unit);
        let first = unit(rest.as_bytes());
        let taken = match first {
            Some(first)
                if high(&first)
                    && rest
                        .get(6..)
                        .and_then(|next| unit(next.as_bytes()))
                        .is_some_and(|unit| low(&unit)) =>
            {
                12
            }
            Some(first) if high(&first) || low(&first) => {
                mended.push_str(&HALF);
                rest = &rest[6..];
                continue;
            }
            Some(_) => 6,
            None => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
        };
        mended.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    mended + rest
}

/// Whether a string that was parsed holds whole characters only.
#[must_use]
pub fn is_well_formed(text: &str) -> bool {
    !(text.contains('\u{fffe}') && text.contains(HALF.as_str()))
}

/// The text with U+FFFD for half a character.
#[must_use]
pub fn well_formed(text: &str) -> String {
    if is_well_formed(text) { text.to_owned() } else { text.replace(HALF.as_str(), "\u{fffd}") }
}

/// The tree with every string and key changed.
#[must_use]
pub fn with_texts(value: Value, change: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(change(&text)),
        Value::Array(items) => items.into_iter().map(|item| with_texts(item, change)).collect(),
        Value::Object(members) => {
            members.into_iter().map(|(key, member)| (change(&key), with_texts(member, change))).collect()
        }
        other => other,
    }
}

/// A whole number within what every client can hold; `7.0` is 7.
#[must_use]
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "it is within the bounds")]
pub fn whole(number: &Number) -> Option<i64> {
    number
        .as_i64()
        .or_else(|| {
            number.as_f64().filter(|n| n.fract() == 0.0 && n.abs() <= MAX_SAFE as f64).map(|n| n as i64)
        })
        .filter(|number| number.abs() <= MAX_SAFE)
}

/// Writes a value; what some clients take for the end of a line is escaped.
#[must_use]
pub fn write(value: &impl Serialize) -> String {
    escape(serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned()))
}

/// Escapes U+0085, U+2028 and U+2029, which JSON allows only in strings.
#[must_use]
pub fn escape(text: String) -> String {
    if !text.contains(['\u{85}', '\u{2028}', '\u{2029}']) {
        return text;
    }
    text.replace('\u{85}', "\\u0085").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_read() {
        for (text, wanted) in [
            ("\u{feff}{\"a\": 1}", json!({ "a": 1 })),
            (r#""\ud83d\ude00\\ud800""#, json!("😀\\ud800")),
            (" [1.5] ", json!([1.5])),
        ] {
            assert_eq!(parse(text.as_bytes()), Ok(wanted));
        }
        assert_eq!(parse(b"\xff"), Err(Refused::Utf8));
        for wrong in ["", "{", "NaN", "1e400", "[1] 2", "\"\u{1}\""] {
            assert_eq!(parse(wrong.as_bytes()), Err(Refused::Json), "{wrong:?}");
        }
        assert!(parse(("[".repeat(200) + &"]".repeat(200)).as_bytes()).is_ok());
        assert_eq!(parse(("[".repeat(201) + &"]".repeat(201)).as_bytes()), Err(Refused::Depth));
    }

    #[test]
    fn half_a_character() {
        for text in [r#""a\ud800b""#, r#""a\udc00b""#, r#""a\ud800\n""#, r#""\ud800\ud83d\ude00""#] {
            let Ok(Value::String(read)) = parse(text.as_bytes()) else { panic!("{text}") };
            assert!(!is_well_formed(&read), "{text}");
            assert!(well_formed(&read).contains('\u{fffd}'));
        }
        assert!(is_well_formed("\u{fffe}"));
    }

    #[test]
    fn numbers_and_line_ends() {
        let read = |text: &str| whole(parse(text.as_bytes()).unwrap().as_number().unwrap());
        assert_eq!((read("7.0"), read("-5"), read("9007199254740991")), (Some(7), Some(-5), Some(MAX_SAFE)));
        assert_eq!((read("1.5"), read("9007199254740992"), read("1e300")), (None, None, None));
        assert_eq!(write(&"a\u{85}\u{2028}\u{2029}"), r#""a\u0085\u2028\u2029""#);
    }
}
