//! JSON Schemas that are kept: one value describes what a tool takes or returns, and checks what it is given.
//!
//! What is optional is not nullable. Lengths are counted in code points.

mod check;

use regex::Regex;
use serde_json::{Map, Value, json};

/// A type that has a schema; tools take and return such types.
pub trait Described {
    fn schema() -> Schema;
}

/// A schema of one type. The functions of this module make them, its methods narrow them.
#[derive(Clone, Debug)]
pub struct Schema {
    kind: &'static str,
    description: Option<&'static str>,
    format: Option<&'static str>,
    values: Option<&'static [&'static str]>,
    minimum: Option<i64>,
    maximum: Option<i64>,
    min_length: Option<usize>,
    max_length: Option<usize>,
    pattern: Option<Regex>,
    not_blank: bool,
    items: Option<Box<Self>>,
    fields: Option<Vec<Field>>,
}

#[derive(Clone, Debug)]
struct Field {
    name: &'static str,
    schema: Schema,
    required: bool,
    default: Option<Value>,
}

impl Schema {
    const fn of(kind: &'static str) -> Self {
        Self {
            kind,
            description: None,
            format: None,
            values: None,
            minimum: None,
            maximum: None,
            min_length: None,
            max_length: None,
            pattern: None,
            not_blank: false,
            items: None,
            fields: None,
        }
    }
}

#[must_use]
pub const fn string() -> Schema {
    Schema::of("string")
}

#[must_use]
pub const fn integer() -> Schema {
    Schema::of("integer")
}

#[must_use]
pub const fn number() -> Schema {
    Schema::of("number")
}

#[must_use]
pub const fn boolean() -> Schema {
    Schema::of("boolean")
}

/// A date and time as in RFC 3339.
#[must_use]
pub fn timestamp() -> Schema {
    Schema { format: Some("date-time"), ..string() }
}

#[must_use]
pub fn array(items: Schema) -> Schema {
    Schema { items: Some(Box::new(items)), ..Schema::of("array") }
}

/// An object with members of any name.
#[must_use]
pub const fn map() -> Schema {
    Schema::of("object")
}

/// An object whose members are added with [`Schema::field`] and its kin.
#[must_use]
pub fn object() -> Schema {
    Schema { fields: Some(Vec::new()), ..map() }
}

impl Schema {
    #[must_use]
    pub const fn describe(mut self, text: &'static str) -> Self {
        self.description = Some(text);
        self
    }

    #[must_use]
    pub const fn min(mut self, least: i64) -> Self {
        self.minimum = Some(least);
        self
    }

    #[must_use]
    pub const fn max(mut self, most: i64) -> Self {
        self.maximum = Some(most);
        self
    }

    #[must_use]
    pub const fn min_length(mut self, least: usize) -> Self {
        self.min_length = Some(least);
        self
    }

    #[must_use]
    pub const fn max_length(mut self, most: usize) -> Self {
        self.max_length = Some(most);
        self
    }

    /// A regular expression that the text matches somewhere.
    ///
    /// # Panics
    /// Panics when it is none, which is a mistake in the program.
    #[must_use]
    pub fn pattern(mut self, pattern: &str) -> Self {
        self.pattern = Some(Regex::new(pattern).expect("a pattern of the program"));
        self
    }

    /// More than white space; no word of JSON Schema says so.
    #[must_use]
    pub const fn not_blank(mut self) -> Self {
        self.not_blank = true;
        self
    }

    /// The only values that a string may have.
    #[must_use]
    pub const fn one_of(mut self, values: &'static [&'static str]) -> Self {
        self.values = Some(values);
        self
    }

    /// A member that must be there.
    #[must_use]
    pub fn field(self, name: &'static str, schema: Schema) -> Self {
        self.add(Field { name, schema, required: true, default: None })
    }

    /// A member that may be absent.
    #[must_use]
    pub fn optional(self, name: &'static str, schema: Schema) -> Self {
        self.add(Field { name, schema, required: false, default: None })
    }

    /// A member that is filled in when it is absent.
    #[must_use]
    pub fn default(self, name: &'static str, schema: Schema, value: impl Into<Value>) -> Self {
        self.add(Field { name, schema, required: false, default: Some(value.into()) })
    }

    fn add(mut self, field: Field) -> Self {
        self.fields.get_or_insert_default().push(field);
        self
    }

    /// The schema of arguments: closed, nothing else is allowed.
    #[must_use]
    pub fn input(&self) -> Value {
        self.document(true)
    }

    /// The schema of results: open, more may come.
    #[must_use]
    pub fn output(&self) -> Value {
        self.document(false)
    }

    fn document(&self, closed: bool) -> Value {
        let mut document = Map::new();
        document.insert("type".into(), self.kind.into());
        let words: [(&str, Option<Value>); 9] = [
            ("description", self.description.map(Value::from)),
            ("format", self.format.map(Value::from)),
            ("enum", self.values.map(|values| json!(values))),
            ("items", self.items.as_ref().map(|items| items.document(closed))),
            ("minimum", self.minimum.map(Value::from)),
            ("maximum", self.maximum.map(Value::from)),
            ("minLength", self.min_length.map(Value::from)),
            ("maxLength", self.max_length.map(Value::from)),
            ("pattern", self.pattern.as_ref().map(|pattern| pattern.as_str().into())),
        ];
        document.extend(words.into_iter().filter_map(|(word, value)| Some((word.to_owned(), value?))));
        if let Some(fields) = &self.fields {
            let mut properties = Map::new();
            for field in fields {
                let mut property = field.schema.document(closed);
                if let Some(default) = &field.default {
                    property["default"] = default.clone();
                }
                properties.insert(field.name.to_owned(), property);
            }
            document.insert("properties".into(), properties.into());
            let required: Vec<_> =
                fields.iter().filter(|field| field.required).map(|field| field.name).collect();
            if !required.is_empty() {
                document.insert("required".into(), json!(required));
            }
            if closed {
                document.insert("additionalProperties".into(), false.into());
            }
        }
        document.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents() {
        let schema = object()
            .field("text", string().min_length(1).max_length(9).describe("Text."))
            .default("steps", integer().min(1).max(100), 10)
            .optional("list", array(object().field("a", boolean())));
        let wanted = json!({
            "type": "object", "required": ["text"], "additionalProperties": false,
            "properties": {
                "text": { "type": "string", "minLength": 1, "maxLength": 9, "description": "Text." },
                "steps": { "type": "integer", "minimum": 1, "maximum": 100, "default": 10 },
                "list": { "type": "array", "items": {
                    "type": "object", "required": ["a"], "additionalProperties": false,
                    "properties": { "a": { "type": "boolean" } },
                } },
            },
        });
        assert_eq!(schema.input(), wanted);
        assert!(!schema.output().to_string().contains("additionalProperties"));
    }
}
