//! The normal form of contracts: what two ways of writing the same contract share.
//!
//! Invariant: keys sorted at every depth, two spaces, non-ASCII as it is, one final newline; titles of schema nodes,
//! `$schema`, numeric formats and the bounds of safe integers say nothing about a contract and are left out.

use serde_json::{Map, Value};

use super::schema::{constant::canonical, is_numeric_format};
use crate::keywords::{Holds, holds};

const SAFE: u64 = 9_007_199_254_740_991;

/// The bytes of a JSON file in normal form.
#[must_use]
pub fn to_text(value: &Value) -> String {
    format!("{:#}\n", canonical(value))
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
