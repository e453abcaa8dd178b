//! Which keywords belong together: those that only mean something with one another are compared as one.
//!
//! Invariant: every keyword that asserts something is in exactly one family, or is walked into.

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
