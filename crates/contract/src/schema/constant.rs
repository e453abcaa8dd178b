//! JSON values that compare by meaning.
//!
//! Invariant: `1` and `1.0` are one value, and the order of keys is none.

use std::hash::{Hash, Hasher};

use serde_json::Value;

use super::number::Num;

/// A JSON value that compares by meaning: `1` and `1.0` are one, and the order of keys is none.
#[derive(Clone, Debug)]
pub struct Constant {
    text: String,
    /// The value in its canonical writing.
    pub value: Value,
}

impl Constant {
    /// The constant of `value`.
    #[must_use]
    pub fn new(value: &Value) -> Self {
        let value = canonical(value);
        Self { text: value.to_string(), value }
    }
}

impl PartialEq for Constant {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}
impl Eq for Constant {}
impl PartialOrd for Constant {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Constant {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.text.cmp(&other.text)
    }
}
impl Hash for Constant {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

/// The value with whole numbers written as integers and keys in order.
#[must_use]
pub fn canonical(value: &Value) -> Value {
    match value {
        Value::Number(number) => Num::of(number).map_or_else(|| value.clone(), Num::value),
        Value::Array(items) => items.iter().map(canonical).collect(),
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| key.as_str());
            entries.into_iter().map(|(key, value)| (key.clone(), canonical(value))).collect()
        }
        Value::Null | Value::Bool(_) | Value::String(_) => value.clone(),
    }
}
