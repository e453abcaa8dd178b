//! What the keywords of a schema evaluate, for `unevaluatedProperties` and `unevaluatedItems`.
//!
//! Invariant: the evaluations of a schema are cases that exclude each other and leave none out.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::compile::{Compiler, TooLarge, keys};
use super::node::{Atom, NodeId};

/// Six subschemas that may hold or not, independently; more cases make the solver's choices too many.
const CASES: usize = 64;
/// A schema that is its own part never ends otherwise.
const DEPTH: usize = 30;

/// What is evaluated under some conditions.
#[derive(Clone, Debug, Default)]
pub struct Evaluation {
    /// Subschemas that hold or do not.
    pub conditions: Vec<(NodeId, bool)>,
    names: BTreeSet<String>,
    patterns: BTreeSet<String>,
    every_key: bool,
    prefix: usize,
    every_item: bool,
    contained: Vec<NodeId>,
}

impl Evaluation {
    fn join(&self, other: &Self) -> Self {
        Self {
            conditions: [self.conditions.as_slice(), &other.conditions].concat(),
            names: self.names.union(&other.names).cloned().collect(),
            patterns: self.patterns.union(&other.patterns).cloned().collect(),
            every_key: self.every_key || other.every_key,
            prefix: self.prefix.max(other.prefix),
            every_item: self.every_item || other.every_item,
            contained: [self.contained.as_slice(), &other.contained].concat(),
        }
    }

    fn when(mut self, node: NodeId, holds: bool) -> Self {
        self.conditions.push((node, holds));
        self
    }
}

type Evaluations = Result<Option<Vec<Evaluation>>, TooLarge>;

impl<'a> Compiler<'a, '_> {
    /// The evaluations of a schema's keywords, without its own `unevaluated…`; none when there are too many.
    pub(super) fn evaluations(&mut self, map: &'a Map<String, Value>) -> Evaluations {
        self.evaluations_of(map, true, 0)
    }

    /// The node of what remains for `unevaluated…`.
    pub(super) fn left_over(&mut self, evaluation: &Evaluation, node: NodeId, items: bool) -> NodeId {
        let mut atoms = Vec::new();
        if items && !evaluation.every_item {
            let mut options = evaluation.contained.clone();
            options.push(node);
            options.sort_unstable();
            options.dedup();
            let rest = match options.as_slice() {
                [only] => *only,
                _ => self.store.one(Atom::Any(options)),
            };
            self.rest(&mut atoms, evaluation.prefix, rest);
        } else if !items && !evaluation.every_key {
            let (names, patterns) = (evaluation.names.clone(), evaluation.patterns.clone());
            atoms.push(self.store.atom(Atom::Additional(names, patterns, node)));
        }
        self.store.node(atoms)
    }

    fn evaluations_of(&mut self, map: &'a Map<String, Value>, own: bool, depth: usize) -> Evaluations {
        if depth > DEPTH {
            return Ok(None);
        }
        let mut cases = vec![self.here(map, own)?];
        for (key, value) in map {
            let alternatives = match (key.as_str(), value) {
                ("allOf", Value::Array(schemas)) => {
                    for schema in schemas {
                        let Some(inner) = self.inner(schema, depth)? else { return Ok(None) };
                        cases = product(&cases, &inner);
                    }
                    continue;
                }
                ("anyOf" | "oneOf", Value::Array(schemas)) => {
                    for schema in schemas {
                        let node = self.schema(schema)?;
                        let Some(inner) = self.inner(schema, depth)? else { return Ok(None) };
                        cases = product(&cases, &optional(node, inner));
                    }
                    continue;
                }
                ("$ref" | "$dynamicRef" | "$recursiveRef", target) => match self.target(key, target) {
                    Ok(schema) => self.inner(schema, depth)?,
                    Err(_) => None,
                },
                ("if", condition) => self.conditional(map, condition, depth)?,
                ("dependentSchemas", Value::Object(schemas)) => {
                    for (name, schema) in schemas {
                        let node = self.has(name);
                        let Some(inner) = self.inner(schema, depth)? else { return Ok(None) };
                        cases = product(&cases, &optional(node, inner));
                    }
                    continue;
                }
                _ => continue,
            };
            let Some(alternatives) = alternatives else { return Ok(None) };
            cases = product(&cases, &alternatives);
            if cases.len() > CASES {
                return Ok(None);
            }
        }
        Ok((cases.len() <= CASES).then_some(cases))
    }

    fn inner(&mut self, schema: &'a Value, depth: usize) -> Evaluations {
        match schema {
            Value::Object(map) => self.evaluations_of(map, false, depth + 1),
            _ => Ok(Some(vec![Evaluation::default()])),
        }
    }

    fn conditional(
        &mut self,
        map: &'a Map<String, Value>,
        condition: &'a Value,
        depth: usize,
    ) -> Evaluations {
        let node = self.schema(condition)?;
        let Some(held) = self.inner(condition, depth)? else { return Ok(None) };
        let Some(then) = map
            .get("then")
            .map_or(Ok(Some(vec![Evaluation::default()])), |schema| self.inner(schema, depth))?
        else {
            return Ok(None);
        };
        let Some(other) = map
            .get("else")
            .map_or(Ok(Some(vec![Evaluation::default()])), |schema| self.inner(schema, depth))?
        else {
            return Ok(None);
        };
        let held = product(&held, &then).into_iter().map(|case| case.when(node, true));
        Ok(Some(held.chain(other.into_iter().map(|case| case.when(node, false))).collect()))
    }

    /// What the keywords of this very schema evaluate.
    fn here(&mut self, map: &'a Map<String, Value>, own: bool) -> Result<Evaluation, TooLarge> {
        let mut here = Evaluation {
            names: keys(map, "properties"),
            patterns: keys(map, "patternProperties"),
            every_key: map.contains_key("additionalProperties")
                || !own && map.contains_key("unevaluatedProperties"),
            every_item: !own && map.contains_key("unevaluatedItems"),
            ..Evaluation::default()
        };
        for key in ["prefixItems", "items"] {
            match map.get(key) {
                Some(Value::Array(schemas)) => here.prefix = here.prefix.max(schemas.len()),
                Some(_) => here.every_item = true,
                None => {}
            }
        }
        here.every_item |=
            map.contains_key("additionalItems") && map.get("items").is_some_and(Value::is_array);
        if let Some(schema) = map.get("contains") {
            here.contained.push(self.part(schema)?);
        }
        Ok(here)
    }
}

fn product(left: &[Evaluation], right: &[Evaluation]) -> Vec<Evaluation> {
    let pairs = left
        .iter()
        .take(CASES + 1)
        .flat_map(|left| right.iter().take(CASES + 1).map(|right| left.join(right)));
    pairs.take(CASES + 1).collect()
}

fn optional(node: NodeId, inner: Vec<Evaluation>) -> Vec<Evaluation> {
    let without = Evaluation::default().when(node, false);
    inner.into_iter().map(|case| case.when(node, true)).chain([without]).collect()
}
