//! From JSON to the graph: every keyword of draft 2020-12 becomes atoms; draft-07's older spellings do too.
//!
//! Invariant: what is not understood becomes [`Atom::Opaque`], which is never taken for granted. References are
//! followed within the document only; size and depth are bounded.
//! Conjunctions are merged, so that only real choices become atoms.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value};

use super::Side;
use super::constant::Constant;
use super::node::{Atom, AtomId, FALSE, NodeId, Store, TRUE, types};
use super::number::Num;
use super::reference::{Document, Target, mentions};

/// JSON is read 127 levels deep; references lead deeper, and each level takes its share of the stack.
const DEPTH: usize = 200;
/// A thousand times what a large tool has; what is beyond is made to take all memory.
const NODES: usize = 200_000;

/// Why a schema is not compared at all.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TooLarge(pub &'static str);

/// Compiles the schemas of one document.
#[derive(Debug)]
pub struct Compiler<'a, 's> {
    /// Where the nodes go.
    pub store: &'s mut Store,
    document: &'s Document<'a>,
    side: Side,
    done: HashMap<usize, NodeId>,
    active: HashMap<usize, Option<usize>>,
    chain: Vec<usize>,
    depth: usize,
}

type Node = Result<NodeId, TooLarge>;
pub(super) type Atoms = Vec<AtomId>;
pub(super) type Done = Result<(), TooLarge>;

fn address(value: &Value) -> usize {
    std::ptr::from_ref(value).addr()
}

impl<'a, 's> Compiler<'a, 's> {
    /// A compiler for a document, with the nodes of the schemas in it that are compiled already.
    pub fn new(
        store: &'s mut Store,
        document: &'s Document<'a>,
        side: Side,
        done: HashMap<usize, NodeId>,
    ) -> Self {
        Self { store, document, side, done, active: HashMap::new(), chain: Vec::new(), depth: 0 }
    }

    /// The nodes of all schemas that are compiled.
    #[must_use]
    pub fn done(self) -> HashMap<usize, NodeId> {
        self.done
    }

    /// The node of a schema that lies in the document, applied to the same value as the schema around it.
    ///
    /// # Errors
    /// When it is too deep or too large.
    pub fn schema(&mut self, schema: &'a Value) -> Node {
        let map = match schema {
            Value::Bool(true) => return Ok(TRUE),
            Value::Bool(false) => return Ok(FALSE),
            Value::Object(map) => map,
            _ => {
                let atom = self.opaque("schema", schema);
                return Ok(self.store.one(atom));
            }
        };
        let at = address(schema);
        if let Some(node) = self.done.get(&at) {
            return Ok(*node);
        }
        if self.chain.contains(&at) {
            let atom = self.own("a schema that is its own part");
            return Ok(self.store.one(atom));
        }
        if let Some(reserved) = self.active.get(&at).copied() {
            let reference = reserved.unwrap_or_else(|| self.store.reference());
            self.active.insert(at, Some(reference));
            return Ok(self.store.one(Atom::Ref(reference)));
        }
        if self.depth >= DEPTH {
            return Err(TooLarge("the schema nests more than 200 levels deep"));
        }
        if self.store.size() >= NODES {
            return Err(TooLarge("the schema has more than 200000 parts"));
        }
        self.depth += 1;
        self.active.insert(at, None);
        self.chain.push(at);
        let atoms = self.keywords(map)?;
        self.chain.pop();
        self.depth -= 1;
        let node = self.store.node(atoms);
        if let Some(Some(reference)) = self.active.remove(&at) {
            self.store.resolve(reference, node);
        }
        self.done.insert(at, node);
        Ok(node)
    }

    /// The node of a schema for a part of the value: a place where recursion is sound.
    pub(super) fn part(&mut self, schema: &'a Value) -> Node {
        let chain = std::mem::take(&mut self.chain);
        let node = self.schema(schema);
        self.chain = chain;
        node
    }

    /// Something that is not understood. It is equal to what is written alike in the other document, unless
    /// references lead on from it: those may mean another thing there.
    pub(super) fn opaque(&self, key: &str, value: &Value) -> Atom {
        let text = format!("{key}: {value}");
        if mentions(value) { self.own(&text) } else { Atom::Opaque(text) }
    }

    /// Something that is equal to nothing in the other document.
    fn own(&self, text: &str) -> Atom {
        Atom::Opaque(format!("{text}, {:?}", self.side))
    }

    /// Whether a schema is of draft 7 or before: `$ref` hides its siblings there.
    pub(super) fn is_legacy(&self, map: &Map<String, Value>) -> bool {
        self.document.is_legacy(map)
    }

    /// The schema that a reference points at, or what stands for one that cannot be followed.
    pub(super) fn target(&self, key: &str, value: &Value) -> Result<&'a Value, Atom> {
        match self.document.target(value) {
            Target::Schema(schema) => Ok(schema),
            Target::Elsewhere(index) => Err(Atom::Opaque(format!("{key}: {}", self.document.address(index)))),
            Target::Nowhere => Err(self.own(&format!("{key}: {value}"))),
        }
    }

    pub(super) fn add(&mut self, atoms: &mut Atoms, atom: Atom) {
        atoms.push(self.store.atom(atom));
    }

    pub(super) fn add_opaque(&mut self, atoms: &mut Atoms, key: &str, value: &Value) {
        let atom = self.opaque(key, value);
        self.add(atoms, atom);
    }

    pub(super) fn merge(&self, atoms: &mut Atoms, node: NodeId) {
        atoms.extend_from_slice(self.store.atoms(node));
    }

    /// The node of those keywords of a schema that `keep` lets through.
    ///
    /// # Errors
    /// As for a whole schema.
    pub fn partial(&mut self, schema: &'a Value, keep: &dyn Fn(&str) -> bool) -> Node {
        let Value::Object(map) = schema else { return self.schema(schema) };
        let hidden = self.is_legacy(map) && map.contains_key("$ref");
        let mut atoms = Vec::new();
        for (key, value) in map.iter().filter(|(key, _)| keep(key) && !(hidden && *key != "$ref")) {
            self.keyword(&mut atoms, map, key, value)?;
        }
        Ok(self.store.node(atoms))
    }

    fn keywords(&mut self, map: &'a Map<String, Value>) -> Result<Atoms, TooLarge> {
        let mut atoms = Vec::new();
        if self.is_legacy(map) && map.contains_key("$ref") {
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
                self.numbers(atoms, key, value);
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
            ("const", value) => Some(Atom::Enum(BTreeSet::from([Constant::new(value)]))),
            ("enum", Value::Array(values)) if values.is_empty() => Some(Atom::False),
            ("enum", Value::Array(values)) => Some(Atom::Enum(values.iter().map(Constant::new).collect())),
            ("type", Value::String(name)) => types::of_name(name).map(Atom::Types),
            ("type", Value::Array(names)) => {
                let bits = names.iter().map(|name| name.as_str().and_then(types::of_name));
                bits.collect::<Option<Vec<u8>>>()
                    .map(|bits| Atom::Types(bits.into_iter().fold(0, |all, bit| all | bit)))
            }
            _ => None,
        };
        let atom = atom.unwrap_or_else(|| self.opaque(key, value));
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
        let atom = atom.unwrap_or_else(|| self.opaque(key, value));
        self.add(atoms, atom);
    }

    fn strings(&mut self, atoms: &mut Atoms, key: &str, value: &Value) {
        let atom = match (key, value) {
            ("format", Value::String(format)) if super::is_numeric_format(format) => return,
            ("format", Value::String(format)) => Atom::Format(format.clone()),
            ("pattern", Value::String(pattern)) => Atom::Pattern(pattern.clone()),
            _ => self.opaque(key, value),
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
            _ => self.opaque(key, value),
        };
        self.add(atoms, atom);
    }
}

/// The keys of a keyword's object.
pub(super) fn keys(map: &Map<String, Value>, key: &str) -> BTreeSet<String> {
    map.get(key).and_then(Value::as_object).into_iter().flat_map(|map| map.keys().cloned()).collect()
}

impl<'a> Compiler<'a, '_> {
    pub(super) fn list(&mut self, value: &'a Value) -> Result<Option<Vec<NodeId>>, TooLarge> {
        let Value::Array(schemas) = value else { return Ok(None) };
        schemas.iter().map(|schema| self.schema(schema)).collect::<Result<Vec<_>, _>>().map(Some)
    }

    pub(super) fn combined(
        &mut self,
        atoms: &mut Atoms,
        map: &'a Map<String, Value>,
        key: &str,
        value: &'a Value,
    ) -> Done {
        match key {
            "allOf" | "anyOf" | "oneOf" => {
                let Some(mut nodes) = self.list(value)? else {
                    self.add_opaque(atoms, key, value);
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
            _ => match self.target(key, value) {
                Ok(target) => {
                    let node = self.schema(target)?;
                    self.merge(atoms, node);
                }
                Err(atom) => self.add(atoms, atom),
            },
        }
        Ok(())
    }

    pub(super) fn either(&mut self, atoms: &mut Atoms, condition: NodeId, then: NodeId, otherwise: NodeId) {
        match (condition, then, otherwise) {
            (_, TRUE, TRUE) => {}
            (TRUE, node, _) | (FALSE, _, node) => self.merge(atoms, node),
            _ => self.add(
                atoms,
                Atom::Cases(vec![(vec![(condition, true)], then), (vec![(condition, false)], otherwise)]),
            ),
        }
    }
}
