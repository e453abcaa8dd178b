//! From JSON to the graph: every keyword of draft 2020-12 becomes atoms; draft-07's older spellings do too.
//!
//! Invariant: what is not understood becomes [`Atom::Opaque`], which is never taken for granted. References are
//! followed within the document only; size and depth are bounded.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value, json};

use super::node::{Atom, AtomId, FALSE, Literal, NodeId, Store, TRUE, types};
use super::number::Num;
use super::reference;

const DEPTH: usize = 200;
const NODES: usize = 200_000;

/// Why a schema is not compared at all.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TooLarge(pub &'static str);

/// Compiles the schemas of one document.
#[derive(Debug)]
pub struct Compiler<'a, 's> {
    /// Where the nodes go.
    pub store: &'s mut Store,
    root: &'a Value,
    /// Draft 7 and before: `$ref` hides its siblings.
    legacy: bool,
    done: HashMap<usize, NodeId>,
    active: HashMap<usize, Option<usize>>,
    chain: Vec<usize>,
    depth: usize,
}

type Node = Result<NodeId, TooLarge>;
type Atoms = Vec<AtomId>;
type Done = Result<(), TooLarge>;

fn address(value: &Value) -> usize {
    std::ptr::from_ref(value).addr()
}

impl<'a, 's> Compiler<'a, 's> {
    /// A compiler for the document `root`, with the nodes of the schemas in it that are compiled already.
    pub fn new(store: &'s mut Store, root: &'a Value, done: HashMap<usize, NodeId>) -> Self {
        let legacy = reference::is_legacy(root);
        Self { store, root, legacy, done, active: HashMap::new(), chain: Vec::new(), depth: 0 }
    }

    /// The nodes of all schemas that are compiled.
    #[must_use]
    pub fn done(self) -> HashMap<usize, NodeId> {
        self.done
    }

    /// The node of a schema that lies in the document, applied to the same value as the schema around it.
    pub fn schema(&mut self, schema: &'a Value) -> Node {
        let map = match schema {
            Value::Bool(true) => return Ok(TRUE),
            Value::Bool(false) => return Ok(FALSE),
            Value::Object(map) => map,
            _ => return Ok(self.opaque("schema", schema)),
        };
        let place = address(schema);
        if let Some(node) = self.done.get(&place) {
            return Ok(*node);
        }
        if self.chain.contains(&place) {
            return Ok(self.store.one(Atom::Opaque("a schema that is its own part".to_owned())));
        }
        if let Some(reserved) = self.active.get(&place).copied() {
            let reference = reserved.unwrap_or_else(|| self.store.reference());
            self.active.insert(place, Some(reference));
            return Ok(self.store.one(Atom::Ref(reference)));
        }
        if self.depth >= DEPTH {
            return Err(TooLarge("the schema nests more than 200 levels deep"));
        }
        if self.store.len() >= NODES {
            return Err(TooLarge("the schema has more than 200000 parts"));
        }
        self.depth += 1;
        self.active.insert(place, None);
        self.chain.push(place);
        let atoms = self.keywords(map)?;
        self.chain.pop();
        self.depth -= 1;
        let node = self.store.node(atoms);
        if let Some(Some(reference)) = self.active.remove(&place) {
            self.store.resolve(reference, node);
        }
        self.done.insert(place, node);
        Ok(node)
    }

    /// The node of a schema for a part of the value: a place where recursion is sound.
    pub(super) fn part(&mut self, schema: &'a Value) -> Node {
        let chain = std::mem::take(&mut self.chain);
        let node = self.schema(schema);
        self.chain = chain;
        node
    }

    fn opaque(&mut self, key: &str, value: &Value) -> NodeId {
        self.store.one(Atom::Opaque(format!("{key}: {value}")))
    }

    fn add(&mut self, atoms: &mut Atoms, atom: Atom) {
        atoms.push(self.store.atom(atom));
    }

    fn merge(&self, atoms: &mut Atoms, node: NodeId) {
        atoms.extend_from_slice(self.store.atoms(node));
    }

    /// The node of those keywords of a schema that `keep` lets through.
    ///
    /// # Errors
    /// As for a whole schema.
    pub fn partial(&mut self, schema: &'a Value, keep: &dyn Fn(&str) -> bool) -> Node {
        let Value::Object(map) = schema else { return self.schema(schema) };
        let hidden = self.legacy && map.contains_key("$ref");
        let mut atoms = Vec::new();
        for (key, value) in map.iter().filter(|(key, _)| keep(key) && !(hidden && *key != "$ref")) {
            self.keyword(&mut atoms, map, key, value)?;
        }
        Ok(self.store.node(atoms))
    }

    fn keywords(&mut self, map: &'a Map<String, Value>) -> Result<Atoms, TooLarge> {
        let mut atoms = Vec::new();
        if self.legacy && map.contains_key("$ref") {
            self.keyword(&mut atoms, map, "$ref", &map["$ref"])?;
            return Ok(atoms);
        }
        for (key, value) in map {
            self.keyword(&mut atoms, map, key, value)?;
        }
        Ok(atoms)
    }

    fn keyword(
        &mut self,
        atoms: &mut Atoms,
        map: &'a Map<String, Value>,
        key: &str,
        value: &'a Value,
    ) -> Done {
        match key {
            "type" | "enum" | "const" => self.values(atoms, key, value),
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" => {
                self.numbers(atoms, key, value)
            }
            "pattern" | "format" | "contentEncoding" | "contentMediaType" => self.strings(atoms, key, value),
            "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties" => {
                self.sizes(atoms, key, value);
            }
            "allOf" | "anyOf" | "oneOf" | "not" | "if" | "$ref" | "$dynamicRef" | "$recursiveRef" => {
                return self.combined(atoms, map, key, value);
            }
            "items" | "prefixItems" | "additionalItems" | "contains" | "uniqueItems" | "unevaluatedItems" => {
                return self.arrays(atoms, map, key, value);
            }
            "properties"
            | "patternProperties"
            | "additionalProperties"
            | "propertyNames"
            | "required"
            | "unevaluatedProperties"
            | "dependentRequired"
            | "dependentSchemas"
            | "dependencies" => {
                return self.objects(atoms, map, key, value);
            }
            _ => {}
        }
        Ok(())
    }

    fn values(&mut self, atoms: &mut Atoms, key: &str, value: &Value) {
        let atom = match (key, value) {
            ("const", value) => Some(Atom::Enum(BTreeSet::from([Literal::new(value)]))),
            ("enum", Value::Array(values)) if values.is_empty() => Some(Atom::False),
            ("enum", Value::Array(values)) => Some(Atom::Enum(values.iter().map(Literal::new).collect())),
            ("type", Value::String(name)) => types::of_name(name).map(Atom::Types),
            ("type", Value::Array(names)) => {
                let bits = names.iter().map(|name| name.as_str().and_then(types::of_name));
                bits.collect::<Option<Vec<u8>>>()
                    .map(|bits| Atom::Types(bits.into_iter().fold(0, |all, bit| all | bit)))
            }
            _ => None,
        };
        let atom = atom.unwrap_or_else(|| Atom::Opaque(format!("{key}: {value}")));
        if !matches!(atom, Atom::Types(127)) {
            self.add(atoms, atom);
        }
    }

    fn numbers(&mut self, atoms: &mut Atoms, key: &str, value: &Value) {
        let atom = value.as_number().and_then(Num::of).and_then(|number| match key {
            "minimum" => Some(Atom::Min(number, false)),
            "maximum" => Some(Atom::Max(number, false)),
            "exclusiveMinimum" => Some(Atom::Min(number, true)),
            "exclusiveMaximum" => Some(Atom::Max(number, true)),
            _ => (number.0 > 0).then_some(Atom::MultipleOf(number)),
        });
        let atom = atom.unwrap_or_else(|| Atom::Opaque(format!("{key}: {value}")));
        self.add(atoms, atom);
    }

    fn strings(&mut self, atoms: &mut Atoms, key: &str, value: &Value) {
        let atom = match (key, value) {
            ("format", Value::String(format)) if super::is_numeric_format(format) => return,
            ("format", Value::String(format)) => Atom::Format(format.clone()),
            ("pattern", Value::String(pattern)) => Atom::Pattern(pattern.clone()),
            _ => Atom::Opaque(format!("{key}: {value}")),
        };
        self.add(atoms, atom);
    }

    fn sizes(&mut self, atoms: &mut Atoms, key: &str, value: &Value) {
        let count = value.as_u64().or_else(|| {
            let number = value.as_number().and_then(Num::of)?;
            number.is_whole().then(|| number.value().as_u64()).flatten()
        });
        let atom = match (key, count) {
            ("minLength" | "minItems" | "minProperties", Some(0)) => return,
            ("minLength", Some(count)) => Atom::MinLength(count),
            ("maxLength", Some(count)) => Atom::MaxLength(count),
            ("minItems", Some(count)) => Atom::MinItems(count),
            ("maxItems", Some(count)) => Atom::MaxItems(count),
            ("minProperties", Some(count)) => Atom::MinKeys(count),
            ("maxProperties", Some(count)) => Atom::MaxKeys(count),
            _ => Atom::Opaque(format!("{key}: {value}")),
        };
        self.add(atoms, atom);
    }

    fn list(&mut self, value: &'a Value) -> Result<Option<Vec<NodeId>>, TooLarge> {
        let Value::Array(schemas) = value else { return Ok(None) };
        schemas.iter().map(|schema| self.schema(schema)).collect::<Result<Vec<_>, _>>().map(Some)
    }

    fn combined(
        &mut self,
        atoms: &mut Atoms,
        map: &'a Map<String, Value>,
        key: &str,
        value: &'a Value,
    ) -> Done {
        match key {
            "allOf" | "anyOf" | "oneOf" => {
                let Some(mut nodes) = self.list(value)? else {
                    self.add(atoms, Atom::Opaque(format!("{key}: {value}")));
                    return Ok(());
                };
                if key != "oneOf" {
                    nodes.sort_unstable();
                    nodes.dedup();
                }
                match (key, nodes.as_slice()) {
                    ("allOf", nodes) => nodes.iter().for_each(|node| self.merge(atoms, *node)),
                    (_, []) => self.add(atoms, Atom::False),
                    (_, [node]) => self.merge(atoms, *node),
                    ("anyOf", nodes) if nodes.contains(&TRUE) => {}
                    ("anyOf", _) => self.add(atoms, Atom::Any(nodes)),
                    _ => {
                        nodes.sort_unstable();
                        self.add(atoms, Atom::One(nodes));
                    }
                }
            }
            "not" => {
                let node = self.schema(value)?;
                match node {
                    TRUE => self.add(atoms, Atom::False),
                    FALSE => {}
                    node => self.add(atoms, Atom::Not(node)),
                }
            }
            "if" => {
                let condition = self.schema(value)?;
                let branch =
                    |this: &mut Self, key: &str| map.get(key).map_or(Ok(TRUE), |schema| this.schema(schema));
                let (then, otherwise) = (branch(self, "then")?, branch(self, "else")?);
                self.either(atoms, condition, then, otherwise);
            }
            _ => match value.as_str().and_then(|target| reference::find(self.root, key, target)) {
                Some(target) => {
                    let node = self.schema(target)?;
                    self.merge(atoms, node);
                }
                None => self.add(atoms, Atom::Opaque(format!("{key}: {value}"))),
            },
        }
        Ok(())
    }

    fn either(&mut self, atoms: &mut Atoms, condition: NodeId, then: NodeId, otherwise: NodeId) {
        match (condition, then, otherwise) {
            (_, TRUE, TRUE) => {}
            (TRUE, node, _) | (FALSE, _, node) => self.merge(atoms, node),
            _ => self.add(
                atoms,
                Atom::Cases(vec![(vec![(condition, true)], then), (vec![(condition, false)], otherwise)]),
            ),
        }
    }

    fn arrays(
        &mut self,
        atoms: &mut Atoms,
        map: &'a Map<String, Value>,
        key: &str,
        value: &'a Value,
    ) -> Done {
        let prefix = || map.get("prefixItems").and_then(Value::as_array).map_or(0, Vec::len);
        match (key, value) {
            ("prefixItems", Value::Array(schemas)) if !self.legacy => self.tuple(atoms, schemas)?,
            ("items", Value::Array(schemas)) if self.legacy => self.tuple(atoms, schemas)?,
            ("additionalItems", _) if !self.legacy => {}
            ("items", Value::Array(_)) | ("prefixItems" | "unevaluatedItems", _)
                if self.legacy || key == "items" =>
            {
                self.add(atoms, Atom::Opaque(format!("{key}: {value}")));
            }
            ("items" | "additionalItems", schema) => {
                let legacy = map.get("items").and_then(Value::as_array).map(Vec::len);
                let from = match (key, legacy) {
                    ("additionalItems", Some(length)) => length,
                    ("additionalItems", None) => return Ok(()),
                    _ => prefix(),
                };
                let node = self.part(schema)?;
                self.rest(atoms, from, node);
            }
            ("contains", schema) => {
                let node = self.part(schema)?;
                let count = |key: &str| map.get(key).map(|count| count.as_u64());
                match (count("minContains").unwrap_or(Some(1)), count("maxContains")) {
                    (Some(least), None) if least > 0 => self.add(atoms, Atom::CountMin(node, least)),
                    (Some(_), None) => {}
                    (Some(least), Some(Some(most))) => {
                        if least > 0 {
                            self.add(atoms, Atom::CountMin(node, least));
                        }
                        self.add(atoms, Atom::CountMax(node, most));
                    }
                    _ => self.add(atoms, Atom::Opaque(format!("contains: {value}"))),
                }
            }
            ("uniqueItems", Value::Bool(unique)) => {
                if *unique {
                    self.add(atoms, Atom::Unique);
                }
            }
            ("unevaluatedItems", schema) => {
                let node = self.part(schema)?;
                self.unevaluated(atoms, map, node, true)?;
            }
            _ => self.add(atoms, Atom::Opaque(format!("{key}: {value}"))),
        }
        Ok(())
    }

    fn tuple(&mut self, atoms: &mut Atoms, schemas: &'a [Value]) -> Done {
        for (place, schema) in schemas.iter().enumerate() {
            let node = self.part(schema)?;
            if node != TRUE {
                self.add(atoms, Atom::ItemAt(place, node));
            }
        }
        Ok(())
    }

    /// Items from a place on.
    pub(super) fn rest(&mut self, atoms: &mut Atoms, from: usize, node: NodeId) {
        match node {
            TRUE => {}
            FALSE => self.add(atoms, Atom::MaxItems(from as u64)),
            node => self.add(atoms, Atom::ItemsFrom(from, node)),
        }
    }

    fn objects(
        &mut self,
        atoms: &mut Atoms,
        map: &'a Map<String, Value>,
        key: &str,
        value: &'a Value,
    ) -> Done {
        match (key, value) {
            ("required", Value::Array(names)) if names.iter().all(Value::is_string) => {
                for name in names.iter().filter_map(Value::as_str) {
                    self.add(atoms, Atom::Required(name.to_owned()));
                }
            }
            ("properties" | "patternProperties", Value::Object(schemas)) => {
                for (name, schema) in schemas {
                    let node = self.part(schema)?;
                    if node != TRUE {
                        let make = if key == "properties" { Atom::Prop } else { Atom::PatternProp };
                        self.add(atoms, make(name.clone(), node));
                    }
                }
            }
            ("additionalProperties", schema) => {
                let node = self.part(schema)?;
                if node != TRUE {
                    self.add(
                        atoms,
                        Atom::Additional(keys(map, "properties"), keys(map, "patternProperties"), node),
                    );
                }
            }
            ("propertyNames", schema) => {
                let node = self.part(schema)?;
                if node != TRUE {
                    self.add(atoms, Atom::Names(node));
                }
            }
            ("unevaluatedProperties" | "dependentRequired" | "dependentSchemas", _) if self.legacy => {
                self.add(atoms, Atom::Opaque(format!("{key}: {value}")));
            }
            ("dependencies", _) if !self.legacy => self.add(atoms, Atom::Opaque(format!("{key}: {value}"))),
            ("unevaluatedProperties", schema) => {
                let node = self.part(schema)?;
                self.unevaluated(atoms, map, node, false)?;
            }
            ("dependentRequired" | "dependentSchemas" | "dependencies", Value::Object(dependents)) => {
                for (name, dependent) in dependents {
                    let then = match dependent {
                        Value::Array(names) => {
                            let names = names
                                .iter()
                                .map(|name| Atom::Required(name.as_str().unwrap_or_default().to_owned()));
                            let names = names.map(|atom| self.store.atom(atom)).collect();
                            self.store.node(names)
                        }
                        schema => self.schema(schema)?,
                    };
                    let has = self.has(name);
                    self.either(atoms, has, then, TRUE);
                }
            }
            _ => self.add(atoms, Atom::Opaque(format!("{key}: {value}"))),
        }
        Ok(())
    }

    /// The node of objects that have a key.
    pub(super) fn has(&mut self, name: &str) -> NodeId {
        let atoms = vec![
            self.store.atom(Atom::Types(types::OBJECT)),
            self.store.atom(Atom::Required(name.to_owned())),
        ];
        self.store.node(atoms)
    }

    /// `unevaluatedProperties` and `unevaluatedItems`: a case for each set of subschemas that may hold.
    fn unevaluated(
        &mut self,
        atoms: &mut Atoms,
        map: &'a Map<String, Value>,
        node: NodeId,
        items: bool,
    ) -> Done {
        if node == TRUE {
            return Ok(());
        }
        let Some(evaluations) = self.evaluations(map)? else {
            let atom = Atom::Opaque(format!("unevaluated beside {}", json!(map)));
            self.add(atoms, atom);
            return Ok(());
        };
        let mut cases = Vec::new();
        for evaluation in evaluations {
            let rest = self.left_over(&evaluation, node, items);
            cases.push((evaluation.conditions, rest));
        }
        match cases.as_slice() {
            [(conditions, rest)] if conditions.is_empty() => self.merge(atoms, *rest),
            _ => self.add(atoms, Atom::Cases(cases)),
        }
        Ok(())
    }

    /// Where `$ref` points in this document.
    pub(super) fn target(&self, key: &str, value: &Value) -> Option<&'a Value> {
        reference::find(self.root, key, value.as_str()?)
    }
}

/// The keys of a keyword's object.
pub(super) fn keys(map: &Map<String, Value>, key: &str) -> BTreeSet<String> {
    map.get(key).and_then(Value::as_object).into_iter().flat_map(|map| map.keys().cloned()).collect()
}
