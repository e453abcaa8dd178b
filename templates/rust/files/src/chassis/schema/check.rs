//! Checks what a tool is given against its schema.

use serde_json::{Map, Value, json};

use super::Input;
use super::rules::{Additional, Kind, Rules};
use crate::chassis::fault::{Fault, INVALID_ARGUMENT};
use crate::chassis::{json, text};

/// How much of an unknown key is repeated, in code points.
const MAX_KEY: usize = 64;

#[derive(Default)]
struct Problems {
    known: Vec<(String, String)>,
    unknown: Vec<(String, String)>,
}

impl Problems {
    fn add(&mut self, path: &str, reason: impl Into<String>) {
        self.known.push((path.to_owned(), reason.into()));
    }
}

impl Input {
    /// Lets arguments through that the schema allows, and makes integers of whole numbers.
    ///
    /// # Errors
    /// `invalid_argument` with one reason a field: known fields in their order, then unknown keys, sorted.
    pub fn check(&self, arguments: Map<String, Value>) -> Result<Value, Fault> {
        let mut problems = Problems::default();
        let checked = self.rules.check_object("", arguments, &mut problems);
        let Problems { mut known, mut unknown } = problems;
        if known.is_empty() && unknown.is_empty() {
            return Ok(checked);
        }
        unknown.sort();
        known.append(&mut unknown);
        let list: Vec<_> = known.iter().map(|(field, reason)| format!("{field} {reason}")).collect();
        let fields: Vec<_> =
            known.iter().map(|(field, reason)| json!({ "field": field, "reason": reason })).collect();
        Err(Fault::from(INVALID_ARGUMENT)
            .saying(format!("Invalid arguments: {}", list.join("; ")))
            .with("fields", fields))
    }
}

impl Rules {
    fn check_object(&self, path: &str, mut given: Map<String, Value>, problems: &mut Problems) -> Value {
        let mut checked = Map::new();
        for (name, rules) in self.properties.iter().flatten() {
            let path = join(path, name);
            match given.remove(name) {
                Some(value) => {
                    checked.insert(name.clone(), rules.check(&path, value, problems));
                }
                None if self.required.contains(name) => problems.add(&path, "is required"),
                None => {}
            }
        }
        match &self.additional_properties {
            None | Some(Additional::Allowed(true)) => checked.extend(given),
            Some(Additional::Each(rules)) => checked.extend(given.into_iter().map(|(name, value)| {
                let value = rules.check(&join(path, &shown(&name)), value, problems);
                (name, value)
            })),
            Some(Additional::Allowed(false)) => problems
                .unknown
                .extend(given.keys().map(|name| (join(path, &shown(name)), "is not allowed".to_owned()))),
        }
        checked.into()
    }

    fn check(&self, path: &str, value: Value, problems: &mut Problems) -> Value {
        let wrong = match (self.kind, value) {
            (Kind::Object, Value::Object(members)) => return self.check_object(path, members, problems),
            (Kind::Array, Value::Array(items)) => match self.wrong_count(items.len()) {
                None => return self.check_items(path, items, problems),
                wrong => wrong,
            },
            (Kind::Boolean, Value::Bool(value)) => return value.into(),
            (Kind::String, Value::String(value)) => match self.wrong_text(&value) {
                None => return value.into(),
                wrong => wrong,
            },
            (Kind::Number, Value::Number(value)) => match self.wrong_number(value.as_f64()) {
                None => return value.into(),
                wrong => wrong,
            },
            (Kind::Integer, Value::Number(value)) if value.as_f64().is_some_and(|n| n.fract() == 0.0) => {
                match (self.wrong_number(value.as_f64()), json::whole(&value)) {
                    (None, Some(value)) => return value.into(),
                    (wrong, _) => wrong,
                }
            }
            _ => None,
        };
        problems.add(path, wrong.unwrap_or_else(|| format!("must be {}", self.kind)));
        Value::Null
    }

    fn check_items(&self, path: &str, items: Vec<Value>, problems: &mut Problems) -> Value {
        let Some(rules) = &self.items else { return items.into() };
        let each = items.into_iter().enumerate();
        each.map(|(at, item)| rules.check(&format!("{path}.{at}"), item, problems)).collect()
    }

    fn wrong_count(&self, count: usize) -> Option<String> {
        if let Some(least) = self.min_items.filter(|least| count < *least) {
            return Some(format!("must have at least {least} items"));
        }
        let most = self.max_items.filter(|most| count > *most)?;
        Some(format!("must have at most {most} items"))
    }

    fn wrong_text(&self, value: &str) -> Option<String> {
        let length = text::length(value);
        if !json::is_well_formed(value) {
            return Some("must be well-formed Unicode".to_owned());
        }
        if let Some(least) = self.min_length.filter(|least| length < *least) {
            return Some(format!("must have at least {least} characters"));
        }
        if let Some(most) = self.max_length.filter(|most| length > *most) {
            return Some(format!("must have at most {most} characters"));
        }
        if let Some(pattern) = self.pattern.as_ref().filter(|pattern| !pattern.is_match(value)) {
            return Some(format!("must match {}", pattern.as_str()));
        }
        if self.not_blank && value.trim().is_empty() {
            return Some("must not be blank".to_owned());
        }
        let values = self.values.as_ref().filter(|values| !values.iter().any(|known| known == value))?;
        Some(format!("must be one of {}", values.join(", ")))
    }

    fn wrong_number(&self, value: Option<f64>) -> Option<String> {
        let value = value?;
        let (least, most) = match self.format.as_deref() {
            Some("int32") => (Some(i32::MIN.into()), Some(i32::MAX.into())),
            Some("uint32") => (Some(0.0), Some(u32::MAX.into())),
            _ => (None, None),
        };
        if let Some(least) = self.minimum.or(least).filter(|least| value < *least) {
            return Some(format!("must be at least {least}"));
        }
        let most = self.maximum.or(most).filter(|most| value > *most)?;
        Some(format!("must be at most {most}"))
    }
}

/// As much of an unknown key as a message repeats.
fn shown(name: &str) -> String {
    text::cut(&json::well_formed(name), MAX_KEY)
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use schemars::JsonSchema;

    use super::super::not_blank;
    use super::*;

    #[derive(JsonSchema)]
    #[allow(dead_code, reason = "it is only described")]
    struct Things {
        #[schemars(length(min = 1, max = 3), transform = not_blank)]
        text: String,
        #[schemars(range(min = 1, max = 9))]
        count: Option<u32>,
        #[schemars(regex(pattern = "^[a-z]+$"))]
        id: Option<String>,
        kind: Option<Letter>,
        #[schemars(range(min = 0, max = 1))]
        share: Option<f64>,
        options: Option<Options>,
        #[schemars(length(max = 2))]
        list: Option<Vec<u32>>,
        any: Option<Map<String, Value>>,
        by_name: Option<HashMap<String, bool>>,
    }

    #[derive(JsonSchema)]
    #[serde(rename_all = "lowercase")]
    #[allow(dead_code, reason = "it is only described")]
    enum Letter {
        A,
        B,
    }

    #[derive(JsonSchema)]
    #[allow(dead_code, reason = "it is only described")]
    struct Options {
        trim: Option<bool>,
    }

    fn check(given: &Value) -> Result<Value, Fault> {
        Input::of::<Things>().check(given.as_object().unwrap().clone())
    }

    #[test]
    fn what_is_allowed() {
        let given = json!({
            "text": "😀", "count": 7.0, "options": {}, "list": [1], "any": { "x": null }, "share": 0.5,
            "by_name": { "x": true },
        });
        let mut wanted = given.clone();
        wanted["count"] = 7.into();
        assert_eq!(check(&given).unwrap(), wanted);
    }

    #[test]
    fn what_is_refused() {
        for (given, reason) in [
            (json!({}), "text is required"),
            (json!({ "text": null }), "text must be a string"),
            (json!({ "text": "" }), "text must have at least 1 characters"),
            (json!({ "text": "abcd" }), "text must have at most 3 characters"),
            (json!({ "text": " \u{3000}" }), "text must not be blank"),
            (json!({ "text": "x", "count": 0 }), "count must be at least 1"),
            (json!({ "text": "x", "count": 1.5 }), "count must be an integer"),
            (json!({ "text": "x", "share": 2 }), "share must be at most 1"),
            (json!({ "text": "x", "id": "A" }), "id must match ^[a-z]+$"),
            (json!({ "text": "x", "kind": "c" }), "kind must be one of a, b"),
            (json!({ "text": "x", "options": { "trim": 1 } }), "options.trim must be a boolean"),
            (json!({ "text": "x", "list": [1, "2"] }), "list.1 must be an integer"),
            (json!({ "text": "x", "list": [1, 2, 3] }), "list must have at most 2 items"),
            (json!({ "text": "x", "list": [4_294_967_296_u64] }), "list.0 must be at most 4294967295"),
            (json!({ "text": "x", "list": [9e300] }), "list.0 must be at most 4294967295"),
            (json!({ "text": "x", "any": [] }), "any must be an object"),
            (json!({ "text": "x", "by_name": { "y": 1 } }), "by_name.y must be a boolean"),
            (
                json!({ "zz": 1, "text": 3, "aa": 2 }),
                "text must be a string; aa is not allowed; zz is not allowed",
            ),
        ] {
            let refused = check(&given).unwrap_err();
            assert_eq!(refused.message(), format!("Invalid arguments: {reason}"));
            assert_eq!(refused.code(), INVALID_ARGUMENT);
        }
    }
}
