//! What an open object never promised: keys that its schema does not name.
//!
//! Adding an optional property to an open object narrows it by the letter (the key could have held anything before),
//! yet nobody could rely on that key. This module makes the schema of the values that do not use such keys; a
//! comparison of inputs looks at those only. Invariant: it only ever forbids keys that the new schema names, that
//! the old one does not, and that no explicit promise of the old one covers.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::Value;

use super::compile::keys;
use super::node::{Atom, FALSE, NodeId, Store, TRUE};
use super::pattern::Automaton;
use super::reference::{Document, KEYWORDS};
use crate::keywords::{Holds, holds};

/// Deeper, nothing is taken for unpromised: that only ever finds more to be breaking.
const DEPTH: usize = 60;

type Schemas<'a> = Vec<&'a Value>;

/// Makes the schema of what was promised.
#[derive(Debug)]
pub struct Promise<'a, 's> {
    store: &'s mut Store,
    old: &'s Document<'a>,
    new: &'s Document<'a>,
    active: HashMap<(Vec<usize>, Vec<usize>), usize>,
}

/// Every schema that speaks of the same value as `schema` does, wherever it stands.
pub fn around<'a>(document: &Document<'a>, schema: &'a Value) -> Schemas<'a> {
    gather(document, &[schema], &["allOf", "anyOf", "oneOf", "if", "then", "else", "dependentSchemas"])
}

/// As [`around`], with the schemas that must not hold: they speak of the value all the same.
fn mentioned<'a>(document: &Document<'a>, schemas: &[&'a Value]) -> Schemas<'a> {
    let keywords =
        ["allOf", "anyOf", "oneOf", "if", "then", "else", "dependentSchemas", "dependencies", "not"];
    let mut all = gather(document, schemas, &keywords);
    all.sort_by_key(|schema| std::ptr::from_ref(*schema).addr());
    all
}

fn gather<'a>(document: &Document<'a>, schemas: &[&'a Value], keywords: &[&str]) -> Schemas<'a> {
    let mut found: Schemas<'a> = Vec::new();
    let mut seen = HashSet::new();
    let mut todo = schemas.to_vec();
    while let Some(schema) = todo.pop() {
        let Value::Object(map) = schema else { continue };
        if !seen.insert(std::ptr::from_ref(schema).addr()) {
            continue;
        }
        found.push(schema);
        for (keyword, value) in keywords.iter().filter_map(|keyword| Some((keyword, map.get(*keyword)?))) {
            match value {
                Value::Array(schemas) => todo.extend(schemas),
                Value::Object(schemas) if holds(keyword) == Holds::Named => todo.extend(schemas.values()),
                schema => todo.push(schema),
            }
        }
        let references = KEYWORDS.iter().filter_map(|keyword| map.get(*keyword));
        todo.extend(references.filter_map(|reference| document.schema(reference)));
    }
    found
}

/// Whether what a schema says of a value's keys may stand where it cannot be read.
fn leads_away(document: &Document<'_>, schema: &Value) -> bool {
    let references = KEYWORDS.iter().filter_map(|keyword| schema.get(*keyword));
    references.into_iter().any(|reference| document.schema(reference).is_none())
}

fn names(schemas: &[&Value]) -> BTreeSet<String> {
    let maps = schemas.iter().filter_map(|schema| schema.as_object());
    let required = schemas.iter().filter_map(|schema| schema.get("required").and_then(Value::as_array));
    maps.flat_map(|map| keys(map, "properties"))
        .chain(required.flatten().filter_map(|name| name.as_str().map(str::to_owned)))
        .collect()
}

fn is_anything(schema: &Value) -> bool {
    schema == &Value::Bool(true) || schema.as_object().is_some_and(serde_json::Map::is_empty)
}

impl<'a, 's> Promise<'a, 's> {
    /// For the schemas of two documents.
    pub fn new(store: &'s mut Store, old: &'s Document<'a>, new: &'s Document<'a>) -> Self {
        Self { store, old, new, active: HashMap::new() }
    }

    /// The node of the values of `old` that use only what it promised, seen from `new`.
    pub fn node(&mut self, old: &'a Value, new: &'a Value) -> NodeId {
        self.values(&[old], &[new], 0)
    }

    fn values(&mut self, old: &[&'a Value], new: &[&'a Value], depth: usize) -> NodeId {
        let (old, new) = (mentioned(self.old, old), mentioned(self.new, new));
        if old.is_empty() || new.is_empty() || depth > DEPTH {
            return TRUE;
        }
        let addresses =
            |schemas: &Schemas<'a>| schemas.iter().map(|schema| std::ptr::from_ref(*schema).addr()).collect();
        let key = (addresses(&old), addresses(&new));
        if let Some(reference) = self.active.get(&key) {
            return self.store.one(Atom::Ref(*reference));
        }
        let reference = self.store.reference();
        self.active.insert(key.clone(), reference);
        let atoms = self.keys(&old, &new, depth);
        let mut atoms: Vec<usize> = atoms.into_iter().map(|atom| self.store.atom(atom)).collect();
        let items = self.values(&parts(&old), &parts(&new), depth + 1);
        if items != TRUE {
            atoms.push(self.store.atom(Atom::ItemsFrom(0, items)));
        }
        let node = self.store.node(atoms);
        self.store.resolve(reference, node);
        self.active.remove(&key);
        node
    }

    fn keys(&mut self, old: &Schemas<'a>, new: &Schemas<'a>, depth: usize) -> Vec<Atom> {
        let mut atoms = Vec::new();
        let (before, after) = (names(old), names(new));
        let open = !old.iter().any(|schema| {
            let rest = ["additionalProperties", "unevaluatedProperties"]
                .into_iter()
                .filter_map(|key| schema.get(key));
            rest.into_iter().any(|rest| !is_anything(rest)) || leads_away(self.old, schema)
        });
        let patterns: Vec<&String> = old
            .iter()
            .filter_map(|schema| schema.get("patternProperties")?.as_object())
            .flat_map(|map| map.keys())
            .collect();
        let patterns: Vec<Option<Automaton>> =
            patterns.into_iter().map(|pattern| Automaton::new(pattern)).collect();
        for name in after.difference(&before).filter(|_| open) {
            if patterns.iter().all(|pattern| pattern.as_ref().is_some_and(|pattern| !pattern.is_match(name)))
            {
                atoms.push(Atom::Prop(name.clone(), FALSE));
            }
        }
        for name in before.intersection(&after) {
            let of = |schemas: &Schemas<'a>| {
                schemas.iter().filter_map(|schema| schema.get("properties")?.get(name)).collect::<Vec<_>>()
            };
            let node = self.values(&of(old), &of(new), depth + 1);
            if node != TRUE {
                atoms.push(Atom::Prop(name.clone(), node));
            }
        }
        let others = |schemas: &Schemas<'a>| {
            schemas.iter().filter_map(|schema| schema.get("additionalProperties")).collect::<Vec<_>>()
        };
        let node = self.values(&others(old), &others(new), depth + 1);
        if node != TRUE {
            atoms.push(Atom::Additional(before.union(&after).cloned().collect(), BTreeSet::new(), node));
        }
        atoms
    }
}

/// The schemas of an array's items.
fn parts<'a>(schemas: &Schemas<'a>) -> Schemas<'a> {
    let items = schemas.iter().filter_map(|schema| schema.get("items"));
    let tuples = schemas
        .iter()
        .flat_map(|schema| ["prefixItems", "items"].map(|key| schema.get(key).and_then(Value::as_array)));
    items.chain(tuples.flatten().flatten()).collect()
}
