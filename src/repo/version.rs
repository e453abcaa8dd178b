//! Where a version stands in a file, found by key and replaced without touching anything else.

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;
use toml_edit::DocumentMut;

use crate::error::{Code, Error, Result};
use crate::template::facts::VersionFile;

/// The version that a file states; none when it has no such key.
pub fn stated(file: &VersionFile, text: &str) -> Result<Option<String>> {
    Ok(string(file, text)?.map(|found| bare(&found).to_owned()))
}

/// The text of a file with another version in it.
pub fn restated(file: &VersionFile, text: &str, version: &str) -> Result<String> {
    let Some(old) = string(file, text)? else { return Ok(text.to_owned()) };
    let new = old.strip_suffix(bare(&old)).unwrap_or_default().to_owned() + version;
    if is_toml(file) {
        let mut document = toml(file, text)?;
        let path: Vec<&str> = segments(&file.key).collect();
        let item = path.iter().try_fold(document.as_item_mut(), |item, key| item.get_mut(key));
        if let Some(value) = item.and_then(|item| item.as_value_mut()) {
            let decor = value.decor().clone();
            *value = new.into();
            *value.decor_mut() = decor;
        }
        return Ok(document.to_string());
    }
    let Some(start) = place(text, 0, &mut segments(&file.key)) else { return Ok(text.to_owned()) };
    let (_, end) = take::<IgnoredAny>(text, start).unwrap_or((IgnoredAny, start));
    Ok(format!("{}{}{}", &text[..start], Value::from(new), &text[end..]))
}

/// The string at the key of a file.
fn string(file: &VersionFile, text: &str) -> Result<Option<String>> {
    if is_toml(file) {
        let document = toml(file, text)?;
        let item = segments(&file.key).try_fold(document.as_item(), |item, key| item.get(key));
        return Ok(item.and_then(|item| item.as_str()).map(ToOwned::to_owned));
    }
    let document: Value = serde_json::from_str(text).map_err(|error| broken(file, error))?;
    Ok(document.pointer(&file.key).and_then(Value::as_str).map(ToOwned::to_owned))
}

/// The version in a string that is one, or that ends in one after a colon.
fn bare(text: &str) -> &str {
    text.rsplit_once(':').map_or(text, |(_, version)| version)
}

fn is_toml(file: &VersionFile) -> bool {
    std::path::Path::new(&file.path).extension().is_some_and(|extension| extension == "toml")
}

fn toml(file: &VersionFile, text: &str) -> Result<DocumentMut> {
    text.parse().map_err(|error: toml_edit::TomlError| broken(file, error.message()))
}

fn broken(file: &VersionFile, reason: impl std::fmt::Display) -> Error {
    Error::new(Code::Unreadable, format!("{}: {reason}", file.path)).hint("mend the file, then run it again")
}

fn segments(pointer: &str) -> impl Iterator<Item = &str> {
    pointer.split('/').skip(1)
}

/// Where in valid JSON the value at a pointer begins.
fn place<'key>(text: &str, start: usize, keys: &mut impl Iterator<Item = &'key str>) -> Option<usize> {
    let start = start + (text[start..].len() - text[start..].trim_start().len());
    let Some(wanted) = keys.next() else { return Some(start) };
    let is_list = text[start..].starts_with('[');
    let mut at = start + 1;
    for index in 0.. {
        let key = if is_list {
            index.to_string()
        } else {
            let (key, end) = take::<String>(text, at)?;
            at = end + text[end..].find(':')? + 1;
            key
        };
        if key == wanted {
            return place(text, at, keys);
        }
        let (_, end) = take::<IgnoredAny>(text, at)?;
        at = end + text[end..].find([',', '}', ']'])? + 1;
    }
    None
}

/// The value that begins at `start` but for spaces, and where it ends.
fn take<T: DeserializeOwned>(text: &str, start: usize) -> Option<(T, usize)> {
    let mut values = serde_json::Deserializer::from_str(&text[start..]).into_iter::<T>();
    let value = values.next()?.ok()?;
    Some((value, start + values.byte_offset()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, key: &str, before: &str, after: &str) {
        let file = VersionFile { path: path.to_owned(), key: key.to_owned() };
        assert_eq!(stated(&file, before).unwrap().as_deref(), Some("0.1.0"));
        assert_eq!(restated(&file, before, "1.2.3").unwrap(), after);
    }

    #[test]
    fn only_the_version_changes() {
        check(
            "a.toml",
            "/project/version",
            "[tool.x]\nversion = '0.1.0' # other\n\n[project]\nname = \"x\"\nversion = \"0.1.0\"   # ours\n",
            "[tool.x]\nversion = '0.1.0' # other\n\n[project]\nname = \"x\"\nversion = \"1.2.3\"   # ours\n",
        );
        check(
            "a.json",
            "/packages//version",
            "{ \"version\": \"9\",\n  \"list\": [1, {\"version\": \"0.1.0\"}],\n  \"packages\": {\n\t\"\" : {\"n\": 1, \"version\" :  \"0.1.0\"} } }\n",
            "{ \"version\": \"9\",\n  \"list\": [1, {\"version\": \"0.1.0\"}],\n  \"packages\": {\n\t\"\" : {\"n\": 1, \"version\" :  \"1.2.3\"} } }\n",
        );
        check(
            "a.json",
            "/packages/1/identifier",
            r#"{"packages": [{}, {"identifier": "example.com/x:0.1.0", "é\"": true}]}"#,
            r#"{"packages": [{}, {"identifier": "example.com/x:1.2.3", "é\"": true}]}"#,
        );
    }

    #[test]
    fn a_key_that_is_not_there_changes_nothing_and_a_broken_file_is_named() {
        for (path, text) in [("a.json", "{\"version\": 1}"), ("a.toml", "version = 1\n")] {
            let file = VersionFile { path: path.to_owned(), key: "/version".to_owned() };
            assert_eq!(stated(&file, text), Ok(None));
            assert_eq!(restated(&file, text, "1.2.3").as_deref(), Ok(text));
            assert!(stated(&file, "{").unwrap_err().message.starts_with(path));
        }
    }
}
