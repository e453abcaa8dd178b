//! Where a `$ref` points: JSON pointers and anchors within one document, and nothing beyond it.

use serde_json::Value;

const DEPTH: usize = 200;

/// Whether a document says that it is of a draft in which `$ref` hides its siblings.
#[must_use]
pub fn is_legacy(root: &Value) -> bool {
    let dialect = root.get("$schema").and_then(Value::as_str).unwrap_or_default();
    ["draft-03", "draft-04", "draft-06", "draft-07"].iter().any(|draft| dialect.contains(draft))
}

/// The schema that a reference of this keyword points at.
#[must_use]
pub fn find<'a>(root: &'a Value, keyword: &str, target: &str) -> Option<&'a Value> {
    let own = root.get("$id").and_then(Value::as_str).unwrap_or_default();
    let fragment = match target.split_once('#') {
        Some((before, fragment)) if before.is_empty() || before == own => fragment,
        None if target == own && !own.is_empty() => "",
        _ => return None,
    };
    if has_inner_base(root, 0) {
        return None;
    }
    let fragment = decode(fragment)?;
    if fragment.is_empty() || fragment.starts_with('/') {
        return root.pointer(&fragment);
    }
    let key = if keyword == "$dynamicRef" { "$dynamicAnchor" } else { "$anchor" };
    let mut found = Vec::new();
    anchors(root, &fragment, &mut found, 0);
    match found.as_slice() {
        [one] if one.get(key).is_some() || keyword == "$ref" => Some(one),
        _ => None,
    }
}

/// Whether a schema inside the document changes the base that references are relative to.
fn has_inner_base(value: &Value, depth: usize) -> bool {
    if depth > DEPTH {
        return true;
    }
    match value {
        Value::Object(map) => {
            depth > 0
                && map.get("$id").is_some_and(Value::is_string)
                && !map.contains_key("$ref")
                && looks_like_schema(map)
                || map.values().any(|value| has_inner_base(value, depth + 1))
        }
        Value::Array(items) => items.iter().any(|value| has_inner_base(value, depth + 1)),
        _ => false,
    }
}

fn looks_like_schema(map: &serde_json::Map<String, Value>) -> bool {
    map.get("$id").and_then(Value::as_str).is_some_and(|id| !id.starts_with('#'))
}

fn anchors<'a>(value: &'a Value, name: &str, found: &mut Vec<&'a Value>, depth: usize) {
    if depth > DEPTH {
        return;
    }
    match value {
        Value::Object(map) => {
            if ["$anchor", "$dynamicAnchor"]
                .iter()
                .any(|key| map.get(*key).and_then(Value::as_str) == Some(name))
            {
                found.push(value);
            }
            map.values().for_each(|value| anchors(value, name, found, depth + 1));
        }
        Value::Array(items) => items.iter().for_each(|value| anchors(value, name, found, depth + 1)),
        _ => {}
    }
}

fn decode(fragment: &str) -> Option<String> {
    let bytes = fragment.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut place = 0;
    while place < bytes.len() {
        if bytes[place] == b'%' {
            let digits = fragment.get(place + 1..place + 3)?;
            out.push(u8::from_str_radix(digits, 16).ok()?);
            place += 3;
        } else {
            out.push(bytes[place]);
            place += 1;
        }
    }
    String::from_utf8(out).ok()
}
