//! The normal form of contracts: what two ways of writing the same contract share.
//!
//! Invariant: keys sorted at every depth, two spaces, non-ASCII as it is, one final newline; titles of schema nodes,
//! `$schema`, numeric formats and the bounds of safe integers say nothing about a contract and are left out.

use serde_json::{Map, Value};

use super::schema::{is_numeric_format, literal::canonical};
use crate::keywords::{Holds, holds};

const SAFE: u64 = 9_007_199_254_740_991;

/// The bytes of a JSON file in normal form.
#[must_use]
pub fn to_text(value: &Value) -> String {
    let mut text = String::new();
    write(&mut text, &canonical(value), 0);
    text.push('\n');
    text
}

fn write(out: &mut String, value: &Value, depth: usize) {
    let indent = |out: &mut String, depth: usize| {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    };
    match value {
        Value::Object(map) if !map.is_empty() => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| key.as_str());
            for (place, (key, value)) in entries.into_iter().enumerate() {
                out.push_str(if place == 0 { "{" } else { "," });
                indent(out, depth + 1);
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push_str(": ");
                write(out, value, depth + 1);
            }
            indent(out, depth);
            out.push('}');
        }
        Value::Array(items) if !items.is_empty() => {
            for (place, item) in items.iter().enumerate() {
                out.push_str(if place == 0 { "[" } else { "," });
                indent(out, depth + 1);
                write(out, item, depth + 1);
            }
            indent(out, depth);
            out.push(']');
        }
        _ => out.push_str(&value.to_string()),
    }
}

/// A schema in normal form. The dialect stays when it changes the meaning.
#[must_use]
pub fn schema(schema: &Value) -> Value {
    match schema {
        Value::Object(map) => {
            Value::Object(map.iter().filter(|(key, value)| speaks(map, key, value)).map(entry).collect())
        }
        Value::Array(schemas) => schemas.iter().map(self::schema).collect(),
        _ => canonical(schema),
    }
}

fn entry((key, value): (&String, &Value)) -> (String, Value) {
    let value = match (holds(key), value) {
        (Holds::Schemas, value) => schema(value),
        (Holds::Named, Value::Object(map)) => {
            map.iter().map(|(name, value)| (name.clone(), schema(value))).collect::<Map<_, _>>().into()
        }
        _ if key == "required" => sorted(value),
        _ => canonical(value),
    };
    (key.clone(), value)
}

fn sorted(names: &Value) -> Value {
    let Value::Array(list) = names else { return names.clone() };
    let mut list = list.clone();
    list.sort_by_key(ToString::to_string);
    list.dedup();
    Value::Array(list)
}

/// Whether a keyword says something about the contract.
fn speaks(map: &Map<String, Value>, key: &str, value: &Value) -> bool {
    let whole = map.get("type").is_some_and(|kind| kind == "integer");
    match key {
        "title" => !value.is_string(),
        "$schema" => value.as_str().is_some_and(|dialect| dialect.contains("draft-0")),
        "format" => !value.as_str().is_some_and(is_numeric_format),
        "maximum" if whole => value.as_u64() != Some(SAFE) && value.as_i64() != Some(i64::MAX),
        "minimum" if whole => {
            value.as_i64().is_none_or(|least| least != i64::MIN && least.unsigned_abs() != SAFE)
        }
        _ => true,
    }
}
