//! Checks what a tool is given against its schema.

use serde_json::{Map, Value, json};

use super::Schema;
use crate::chassis::fault::{Fault, INVALID_ARGUMENT};
use crate::chassis::{json, text};

/// How much of an unknown key is repeated, in code points.
const MAX_KEY: usize = 64;

#[derive(Default)]
struct Problems {
    known: Vec<(String, String)>,
    unknown: Vec<(String, String)>,
}

impl Schema {
    /// Fills in the defaults of arguments, and makes integers of whole numbers.
    ///
    /// # Errors
    /// `invalid_argument` with one reason a field: known fields in their order, then unknown keys, sorted.
    pub fn check(&self, arguments: Map<String, Value>) -> Result<Value, Fault> {
        let mut problems = Problems::default();
        let checked = self.check_object("", arguments, &mut problems);
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

    fn check_object(&self, path: &str, mut given: Map<String, Value>, problems: &mut Problems) -> Value {
        let Some(fields) = &self.fields else { return given.into() };
        let mut checked = Map::new();
        for field in fields {
            let path = join(path, field.name);
            match (given.remove(field.name), &field.default) {
                (Some(value), _) => {
                    checked.insert(field.name.to_owned(), field.schema.check_value(&path, value, problems));
                }
                (None, Some(default)) => {
                    checked.insert(field.name.to_owned(), default.clone());
                }
                (None, None) if field.required => problems.known.push((path, "is required".to_owned())),
                (None, None) => {}
            }
        }
        for key in given.keys() {
            let path = join(path, &text::cut(&json::well_formed(key), MAX_KEY));
            problems.unknown.push((path, "is not allowed".to_owned()));
        }
        checked.into()
    }

    fn check_value(&self, path: &str, value: Value, problems: &mut Problems) -> Value {
        match (self.kind, value) {
            ("object", Value::Object(members)) => return self.check_object(path, members, problems),
            ("array", Value::Array(items)) => {
                let Some(schema) = &self.items else { return items.into() };
                let each = items.into_iter().enumerate();
                return each
                    .map(|(at, item)| schema.check_value(&format!("{path}.{at}"), item, problems))
                    .collect();
            }
            ("boolean", Value::Bool(value)) => return value.into(),
            ("string", Value::String(value)) => match self.wrong_text(&value) {
                None => return value.into(),
                Some(reason) => problems.known.push((path.to_owned(), reason)),
            },
            ("integer" | "number", Value::Number(value)) => {
                let whole = value.as_f64().is_some_and(|number| number.fract() == 0.0);
                if self.kind == "integer" && !whole {
                    problems.known.push((path.to_owned(), wrong_type(self.kind)));
                } else if let Some(reason) = self.wrong_number(value.as_f64().unwrap_or(f64::NAN)) {
                    problems.known.push((path.to_owned(), reason));
                } else if self.kind == "integer" {
                    match json::whole(&value) {
                        Some(value) => return value.into(),
                        None => problems.known.push((path.to_owned(), wrong_type(self.kind))),
                    }
                } else {
                    return value.into();
                }
            }
            _ => problems.known.push((path.to_owned(), wrong_type(self.kind))),
        }
        Value::Null
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
        let values = self.values.filter(|values| !values.contains(&value))?;
        Some(format!("must be one of {}", values.join(", ")))
    }

    #[allow(clippy::cast_precision_loss, reason = "bounds are small")]
    fn wrong_number(&self, value: f64) -> Option<String> {
        if let Some(least) = self.minimum.filter(|least| value < *least as f64) {
            return Some(format!("must be at least {least}"));
        }
        let most = self.maximum.filter(|most| value > *most as f64)?;
        Some(format!("must be at most {most}"))
    }
}

fn wrong_type(kind: &str) -> String {
    let article = if matches!(kind, "integer" | "array" | "object") { "an" } else { "a" };
    format!("must be {article} {kind}")
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

#[cfg(test)]
mod tests {
    use super::super::{array, boolean, integer, map, number, object, string};
    use super::*;

    fn schema() -> Schema {
        object()
            .field("text", string().min_length(1).max_length(3).not_blank())
            .default("count", integer().min(1).max(9), 5)
            .optional("id", string().pattern("^[a-z]+$"))
            .optional("kind", string().one_of(&["a", "b"]))
            .optional("share", number().min(0).max(1))
            .optional("options", object().default("trim", boolean(), true))
            .optional("list", array(integer()))
            .optional("any", map())
    }

    #[test]
    fn what_is_allowed() {
        let given = json!({ "text": "😀", "count": 7.0, "options": {}, "list": [1], "any": { "x": null }, "share": 0.5 });
        let checked = schema().check(given.as_object().unwrap().clone()).unwrap();
        let wanted = json!({ "text": "😀", "count": 7, "options": { "trim": true }, "list": [1], "any": { "x": null }, "share": 0.5 });
        assert_eq!(checked, wanted);
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
            (
                json!({ "zz": 1, "text": 3, "aa": 2 }),
                "text must be a string; aa is not allowed; zz is not allowed",
            ),
        ] {
            let refused = schema().check(given.as_object().unwrap().clone()).unwrap_err();
            assert_eq!(refused.message(), format!("Invalid arguments: {reason}"));
            assert_eq!(refused.code(), INVALID_ARGUMENT);
        }
    }
}
