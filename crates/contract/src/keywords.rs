//! The keywords of JSON Schema, of all drafts, in one table: what each holds, and what it is for.
//!
//! Invariant: a keyword that asserts something belongs to exactly one family, or the walk goes into it. What is not in
//! the table holds data, which is never searched for schemas, and is a note.

use crate::rules::{
    ADDITIONAL, COMBINATION, COUNT, DEPENDENCY, ENUM, FORMAT, Family, ITEMS, LENGTH, PATTERN, RANGE, SCHEMA,
    TYPE,
};

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

/// What a keyword is for.
#[derive(Clone, Copy, Debug)]
enum Role {
    /// It says something about values, together with its family.
    Asserts(&'static Family),
    /// It says something about values, and is compared member by member.
    Walked,
    /// It names or tells apart schemas, and says nothing by itself.
    Names,
    /// It says something to readers.
    Notes,
}

use Holds::{Named, Nothing, Schemas};
use Role::{Asserts, Names, Notes, Walked};

#[rustfmt::skip]
static KEYWORDS: &[(&str, Holds, Role)] = &[
    ("$anchor", Nothing, Names),
    ("$defs", Named, Names),
    ("$dynamicAnchor", Nothing, Names),
    ("$dynamicRef", Nothing, Asserts(&SCHEMA)),
    ("$id", Nothing, Names),
    ("$recursiveRef", Nothing, Asserts(&SCHEMA)),
    ("$ref", Nothing, Asserts(&SCHEMA)),
    ("$schema", Nothing, Names),
    ("$vocabulary", Nothing, Names),
    ("additionalItems", Schemas, Asserts(&ITEMS)),
    ("additionalProperties", Schemas, Asserts(&ADDITIONAL)),
    ("allOf", Schemas, Asserts(&COMBINATION)),
    ("anyOf", Schemas, Asserts(&COMBINATION)),
    ("const", Nothing, Asserts(&ENUM)),
    ("contains", Schemas, Asserts(&COUNT)),
    ("contentEncoding", Nothing, Asserts(&FORMAT)),
    ("contentMediaType", Nothing, Asserts(&FORMAT)),
    ("contentSchema", Schemas, Notes),
    ("definitions", Named, Names),
    ("dependencies", Named, Asserts(&DEPENDENCY)),
    ("dependentRequired", Nothing, Asserts(&DEPENDENCY)),
    ("dependentSchemas", Named, Asserts(&DEPENDENCY)),
    ("else", Schemas, Asserts(&COMBINATION)),
    ("enum", Nothing, Asserts(&ENUM)),
    ("exclusiveMaximum", Nothing, Asserts(&RANGE)),
    ("exclusiveMinimum", Nothing, Asserts(&RANGE)),
    ("format", Nothing, Asserts(&FORMAT)),
    ("if", Schemas, Asserts(&COMBINATION)),
    ("items", Schemas, Asserts(&ITEMS)),
    ("maxContains", Nothing, Asserts(&COUNT)),
    ("maxItems", Nothing, Asserts(&COUNT)),
    ("maxLength", Nothing, Asserts(&LENGTH)),
    ("maxProperties", Nothing, Asserts(&COUNT)),
    ("maximum", Nothing, Asserts(&RANGE)),
    ("minContains", Nothing, Asserts(&COUNT)),
    ("minItems", Nothing, Asserts(&COUNT)),
    ("minLength", Nothing, Asserts(&LENGTH)),
    ("minProperties", Nothing, Asserts(&COUNT)),
    ("minimum", Nothing, Asserts(&RANGE)),
    ("multipleOf", Nothing, Asserts(&RANGE)),
    ("not", Schemas, Asserts(&COMBINATION)),
    ("oneOf", Schemas, Asserts(&COMBINATION)),
    ("pattern", Nothing, Asserts(&PATTERN)),
    ("patternProperties", Named, Asserts(&ADDITIONAL)),
    ("prefixItems", Schemas, Asserts(&ITEMS)),
    ("properties", Named, Walked),
    ("propertyNames", Schemas, Asserts(&ADDITIONAL)),
    ("required", Nothing, Walked),
    ("then", Schemas, Asserts(&COMBINATION)),
    ("title", Nothing, Names),
    ("type", Nothing, Asserts(&TYPE)),
    ("unevaluatedItems", Schemas, Asserts(&ITEMS)),
    ("unevaluatedProperties", Schemas, Asserts(&ADDITIONAL)),
    ("uniqueItems", Nothing, Asserts(&COUNT)),
];

fn find(keyword: &str) -> (Holds, Role) {
    let index = KEYWORDS.binary_search_by(|(name, ..)| (*name).cmp(keyword));
    index
        .ok()
        .and_then(|index| KEYWORDS.get(index))
        .map_or((Nothing, Notes), |(_, holds, role)| (*holds, *role))
}

/// What a keyword of a schema holds.
pub fn holds(keyword: &str) -> Holds {
    find(keyword).0
}

/// Whether a keyword is a member of a family.
pub fn is_of(keyword: &str, family: &'static Family) -> bool {
    matches!(find(keyword).1, Asserts(own) if std::ptr::eq(own, family))
}

/// Whether a keyword says something about values.
pub fn asserts(keyword: &str) -> bool {
    matches!(find(keyword).1, Asserts(_) | Walked)
}

/// Whether a keyword says something to readers only.
pub fn annotates(keyword: &str) -> bool {
    matches!(find(keyword).1, Notes)
}

#[cfg(test)]
mod tests {
    use super::KEYWORDS;

    #[test]
    fn the_table_is_sorted() {
        assert!(KEYWORDS.is_sorted_by_key(|(name, ..)| *name));
    }
}
