//! The form of schemas that every client takes: one type each, closed arguments and open results, nothing by
//! reference, nothing that may be null.

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform as _};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value};

use super::{Document, NOT_BLANK};
use crate::chassis::json;

/// The schema of arguments, with the words that only checks read.
pub(super) fn closed<T: JsonSchema>() -> Document {
    let mut document = document::<T>(SchemaSettings::draft2020_12(), close);
    document.entry("properties").or_insert_with(|| Map::new().into());
    document.insert("additionalProperties".to_owned(), false.into());
    document
}

/// The schema of results.
pub(super) fn open<T: JsonSchema>() -> Document {
    document::<T>(SchemaSettings::draft2020_12().for_serialize(), unlock)
}

fn document<T: JsonSchema>(settings: SchemaSettings, shape: fn(&mut Schema)) -> Document {
    let settings = settings.with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let settings =
        settings.with_transform(RecursiveTransform(settle)).with_transform(RecursiveTransform(shape));
    let mut document = std::mem::take(settings.into_generator().into_root_schema_for::<T>().ensure_object());
    document.remove("description"); // the tool's own says more
    document
}

/// Removes what says nothing to a client, and puts what is left in the simplest words.
fn settle(schema: &mut Schema) {
    let Some(words) = schema.as_object_mut() else { return };
    words.retain(|word, _| !["title", "readOnly", "writeOnly"].contains(&word.as_str()));
    if let Some(Value::String(text)) = words.get_mut("description") {
        *text = text.replace('\n', " ");
    }
    for word in ["default", "minimum", "maximum"] {
        if let Some(whole) = words.get(word).and_then(Value::as_number).and_then(json::whole) {
            words[word] = whole.into();
        }
    }
    for word in ["additionalProperties", "items"] {
        words.retain(|key, value| key != word || *value != true);
    }
    name_variants(words);
    omit_null(words);
}

/// Makes one list of the variants of an enum that are described one by one.
fn name_variants(words: &mut Document) {
    let Some(variants) = words.get("oneOf").and_then(Value::as_array) else { return };
    let names = |variant: &Value| match (variant.get("const"), variant.get("enum")) {
        (Some(name), _) => Some(vec![name.clone()]),
        (None, Some(names)) => names.as_array().cloned(),
        (None, None) => None,
    };
    let Some(names) = variants.iter().map(names).collect::<Option<Vec<_>>>() else { return };
    words.remove("oneOf");
    words.insert("type".to_owned(), "string".into());
    words.insert("enum".to_owned(), names.concat().into());
}

/// A member that may be absent is absent instead of null.
fn omit_null(words: &mut Document) {
    let required = words.get("required").cloned().unwrap_or_default();
    let is_required =
        |name: &str| required.as_array().is_some_and(|names| names.iter().any(|own| own == name));
    let members = words.get_mut("properties").and_then(Value::as_object_mut);
    for (_, member) in members.into_iter().flatten().filter(|(name, _)| !is_required(name)) {
        if let Some(member) = member.as_object_mut() {
            exclude_null(member);
        }
    }
}

fn exclude_null(words: &mut Document) {
    if let Some(Value::Array(choices)) = words.get_mut("anyOf") {
        choices.retain(|choice| choice["type"] != "null");
        if let [Value::Object(only)] = choices.as_mut_slice() {
            let only = std::mem::take(only);
            words.remove("anyOf");
            for (word, value) in only {
                words.entry(word).or_insert(value);
            }
        }
    }
    if let Some(Value::Array(kinds)) = words.get_mut("type") {
        kinds.retain(|kind| kind != "null");
        if let [only] = kinds.as_mut_slice() {
            words["type"] = only.take();
        }
    }
    if let Some(Value::Array(values)) = words.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    words.retain(|word, value| word != "default" || !value.is_null());
}

fn close(schema: &mut Schema) {
    if schema.get("properties").is_some() {
        schema.insert("additionalProperties".to_owned(), false.into());
    }
}

fn unlock(schema: &mut Schema) {
    if schema.get("properties").is_some() {
        schema.remove("additionalProperties");
    }
}

/// Leaves out the words that only checks read.
pub(super) fn published(document: Document) -> Document {
    let strip = |schema: &mut Schema| {
        let is_number =
            ["integer", "number"].iter().any(|kind| schema.get("type").is_some_and(|own| own == kind));
        if is_number {
            schema.remove("format");
        }
        schema.remove(NOT_BLANK);
    };
    let mut schema = Schema::from(document);
    RecursiveTransform(strip).transform(&mut schema);
    std::mem::take(schema.ensure_object())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde::{Deserialize, Serialize};
    use serde_json::json;

    use super::super::{Input, not_blank, output};
    use super::*;

    #[derive(Deserialize, Serialize, JsonSchema)]
    #[serde(rename_all = "lowercase")]
    enum Colour {
        /// Like blood.
        Red,
        Green,
    }

    /// Not published.
    #[derive(Deserialize, Serialize, JsonSchema)]
    struct Things {
        /// A text
        /// of two lines.
        #[schemars(length(min = 1, max = 9), transform = not_blank)]
        text: String,
        #[serde(default = "ten")]
        #[schemars(range(min = 1, max = 100))]
        steps: u32,
        #[serde(default)]
        #[schemars(range(min = 0, max = 0.5))]
        share: f64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        colour: Option<Colour>,
        #[serde(skip_serializing_if = "Option::is_none")]
        nested: Option<Vec<Nested>>,
        by_name: HashMap<String, u8>,
        any: Map<String, Value>,
    }

    /// One of many.
    #[derive(Deserialize, Serialize, JsonSchema)]
    struct Nested {
        a: bool,
    }

    const fn ten() -> u32 {
        10
    }

    #[test]
    fn documents() {
        let mut wanted = json!({
            "type": "object", "required": ["text", "by_name", "any"], "additionalProperties": false,
            "properties": {
                "text": { "type": "string", "minLength": 1, "maxLength": 9, "description": "A text of two lines." },
                "steps": { "type": "integer", "minimum": 1, "maximum": 100, "default": 10 },
                "share": { "type": "number", "minimum": 0, "maximum": 0.5, "default": 0 },
                "colour": { "type": "string", "enum": ["green", "red"] },
                "nested": { "type": "array", "items": {
                    "type": "object", "required": ["a"], "additionalProperties": false, "description": "One of many.",
                    "properties": { "a": { "type": "boolean" } },
                } },
                "by_name": {
                    "type": "object",
                    "additionalProperties": { "type": "integer", "minimum": 0, "maximum": 255 },
                },
                "any": { "type": "object" },
            },
        });
        let input = Input::of::<Things>();
        assert_eq!(Value::from(input.document().clone()), wanted);
        let names: Vec<_> = input.document()["properties"].as_object().unwrap().keys().collect();
        assert_eq!(names, ["text", "steps", "share", "colour", "nested", "by_name", "any"]);
        wanted.as_object_mut().unwrap().remove("additionalProperties");
        wanted["required"] = json!(["text", "steps", "share", "by_name", "any"]);
        let nested = wanted["properties"]["nested"]["items"].as_object_mut().unwrap();
        nested.remove("additionalProperties");
        assert_eq!(Value::from(output::<Things>()), wanted);
    }

    #[test]
    fn nothing_to_say() {
        #[derive(JsonSchema)]
        struct Nothing {}
        let wanted = json!({ "type": "object", "properties": {}, "additionalProperties": false });
        assert_eq!(Value::from(Input::of::<Nothing>().document().clone()), wanted);
    }

    #[test]
    #[should_panic(expected = "unknown field `uniqueItems`")]
    fn what_cannot_be_checked() {
        #[derive(JsonSchema)]
        #[allow(dead_code, reason = "it is only described")]
        struct Wrong {
            set: std::collections::BTreeSet<String>,
        }
        let _ = Input::of::<Wrong>();
    }
}
