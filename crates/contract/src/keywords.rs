//! The keywords of JSON Schema, of all drafts: what each holds, and which belong together.
//!
//! Invariant: every keyword that asserts something is in exactly one family, or is walked into. What is no keyword
//! holds data, which is never searched for schemas.

/// How a keyword holds schemas.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Holds {
    /// It is a schema, or a list of them.
    Schemas,
    /// Its values are schemas.
    Named,
    /// It holds none.
    Nothing,
}

/// What a keyword of a schema holds.
pub fn holds(keyword: &str) -> Holds {
    match keyword {
        "$defs" | "definitions" | "dependencies" | "dependentSchemas" | "patternProperties"
        | "properties" => Holds::Named,
        "additionalItems"
        | "additionalProperties"
        | "allOf"
        | "anyOf"
        | "contains"
        | "contentSchema"
        | "else"
        | "if"
        | "items"
        | "not"
        | "oneOf"
        | "prefixItems"
        | "propertyNames"
        | "then"
        | "unevaluatedItems"
        | "unevaluatedProperties" => Holds::Schemas,
        _ => Holds::Nothing,
    }
}

/// The family of a keyword that asserts something.
#[must_use]
pub fn family(keyword: &str) -> Option<&'static str> {
    Some(match keyword {
        "additionalProperties" | "patternProperties" | "propertyNames" | "unevaluatedProperties" => {
            "additional"
        }
        "allOf" | "anyOf" | "oneOf" | "not" | "if" | "then" | "else" => "combination",
        "minItems" | "maxItems" | "minProperties" | "maxProperties" | "uniqueItems" | "contains"
        | "minContains" | "maxContains" => "count",
        "dependentRequired" | "dependentSchemas" | "dependencies" => "dependency",
        "enum" | "const" => "enum",
        "format" | "contentEncoding" | "contentMediaType" => "format",
        "items" | "prefixItems" | "additionalItems" | "unevaluatedItems" => "items",
        "minLength" | "maxLength" => "length",
        "pattern" => "pattern",
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" => "range",
        "$ref" | "$dynamicRef" | "$recursiveRef" => "schema",
        "type" => "type",
        _ => return None,
    })
}

/// All families.
pub const FAMILIES: [&str; 12] = [
    "additional",
    "combination",
    "count",
    "dependency",
    "enum",
    "format",
    "items",
    "length",
    "pattern",
    "range",
    "schema",
    "type",
];

/// Whether a keyword says something about values.
pub fn asserts(keyword: &str) -> bool {
    family(keyword).is_some() || matches!(keyword, "properties" | "required")
}

/// Whether a keyword only annotates, or only names.
#[must_use]
pub fn annotates(keyword: &str) -> bool {
    family(keyword).is_none()
        && !matches!(
            keyword,
            "properties"
                | "required"
                | "$defs"
                | "definitions"
                | "$schema"
                | "$id"
                | "$anchor"
                | "$dynamicAnchor"
                | "title"
                | "$vocabulary"
        )
}
