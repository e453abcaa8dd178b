//! The graph that a schema is compiled to: a node is a conjunction of atoms, and equal nodes are one node.
//!
//! Invariant: an atom says one thing about one instance type. `allOf` and `$ref` vanish here, so that two ways
//! of writing the same conjunction give the same node.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use super::constant::Constant;
use super::number::Num;

/// A node's place in its [`Store`].
pub type NodeId = usize;
/// An atom's place in its [`Store`].
pub type AtomId = usize;

/// Accepts every value.
pub const TRUE: NodeId = 0;
/// Accepts none.
pub const FALSE: NodeId = 1;

/// The instance types, as bits; numbers are whole or not.
pub mod types {
    /// `null`.
    pub const NULL: u8 = 1;
    /// `true` and `false`.
    pub const BOOLEAN: u8 = 2;
    /// Numbers without a fraction.
    pub const WHOLE: u8 = 4;
    /// Numbers with a fraction.
    pub const FRACTION: u8 = 8;
    /// Strings.
    pub const STRING: u8 = 16;
    /// Arrays.
    pub const ARRAY: u8 = 32;
    /// Objects.
    pub const OBJECT: u8 = 64;

    /// The bits of a type's name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<u8> {
        Some(match name {
            "null" => NULL,
            "boolean" => BOOLEAN,
            "integer" => WHOLE,
            "number" => WHOLE | FRACTION,
            "string" => STRING,
            "array" => ARRAY,
            "object" => OBJECT,
            _ => return None,
        })
    }
}

/// Conditions that exclude each other, and what must hold under each.
pub type Case = (Vec<(NodeId, bool)>, NodeId);

/// One assertion. Each speaks of one instance type and holds for all others, but for the last group.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Atom {
    /// Numbers: at least, or above when strict.
    Min(Num, bool),
    /// Numbers: at most, or below when strict.
    Max(Num, bool),
    /// Numbers: a multiple of.
    MultipleOf(Num),
    /// Strings: at least so many characters.
    MinLength(u64),
    /// Strings: at most so many characters.
    MaxLength(u64),
    /// Strings: an ECMA-262 pattern.
    Pattern(String),
    /// Strings: a format, taken as an assertion.
    Format(String),
    /// Objects: the key is there.
    Required(String),
    /// Objects: the key's value, if there is one.
    Prop(String, NodeId),
    /// Objects: the values of keys that match.
    PatternProp(String, NodeId),
    /// Objects: the values of keys that are none of these and match none of these.
    Additional(BTreeSet<String>, BTreeSet<String>, NodeId),
    /// Objects: every key.
    Names(NodeId),
    /// Objects: at least so many keys.
    MinKeys(u64),
    /// Objects: at most so many keys.
    MaxKeys(u64),
    /// Arrays: the item at a place.
    ItemAt(usize, NodeId),
    /// Arrays: the items from a place on.
    ItemsFrom(usize, NodeId),
    /// Arrays: at least so many items that are accepted.
    CountMin(NodeId, u64),
    /// Arrays: at most so many items that are accepted.
    CountMax(NodeId, u64),
    /// Arrays: at least so many items.
    MinItems(u64),
    /// Arrays: at most so many items.
    MaxItems(u64),
    /// Arrays: no two items are equal.
    Unique,
    /// Any value: nothing is accepted.
    False,
    /// Any value: its instance type is one of these bits.
    Types(u8),
    /// Any value: it is one of these.
    Enum(BTreeSet<Constant>),
    /// Any value: a schema that is still being compiled, that is a recursive one.
    Ref(usize),
    /// Any value: at least one.
    Any(Vec<NodeId>),
    /// Any value: exactly one.
    One(Vec<NodeId>),
    /// Any value: not this.
    Not(NodeId),
    /// Any value: the node of the case whose conditions hold.
    Cases(Vec<Case>),
    /// Any value: something that this program does not understand.
    Opaque(String),
}

/// All atoms and nodes of a comparison.
#[derive(Debug)]
pub struct Store {
    atoms: Vec<Rc<Atom>>,
    atom_ids: HashMap<Rc<Atom>, AtomId>,
    nodes: Vec<Vec<AtomId>>,
    node_ids: HashMap<Vec<AtomId>, NodeId>,
    references: Vec<Option<NodeId>>,
}

impl Default for Store {
    fn default() -> Self {
        let mut store = Self {
            atoms: Vec::new(),
            atom_ids: HashMap::new(),
            nodes: Vec::new(),
            node_ids: HashMap::new(),
            references: Vec::new(),
        };
        store.node(Vec::new());
        store.one(Atom::False);
        store
    }
}

impl Store {
    /// The atom's id.
    pub fn atom(&mut self, atom: Atom) -> AtomId {
        if let Some(id) = self.atom_ids.get(&atom) {
            return *id;
        }
        let (id, atom) = (self.atoms.len(), Rc::new(atom));
        self.atoms.push(Rc::clone(&atom));
        self.atom_ids.insert(atom, id);
        id
    }

    /// The node that holds when all atoms do.
    pub fn node(&mut self, mut atoms: Vec<AtomId>) -> NodeId {
        atoms.sort_unstable();
        atoms.dedup();
        if atoms.iter().any(|id| *self.atoms[*id] == Atom::False) {
            let lie = self.atom(Atom::False);
            atoms = vec![lie];
        }
        if let Some(id) = self.node_ids.get(&atoms) {
            return *id;
        }
        let id = self.nodes.len();
        self.nodes.push(atoms.clone());
        self.node_ids.insert(atoms, id);
        id
    }

    /// The node of one atom.
    pub fn one(&mut self, atom: Atom) -> NodeId {
        let id = self.atom(atom);
        self.node(vec![id])
    }

    /// The node that holds when both do.
    pub fn both(&mut self, left: NodeId, right: NodeId) -> NodeId {
        let atoms = [self.nodes[left].as_slice(), self.nodes[right].as_slice()].concat();
        self.node(atoms)
    }

    /// What an atom says.
    #[must_use]
    pub fn get(&self, id: AtomId) -> &Atom {
        &self.atoms[id]
    }

    /// What an atom says, to keep while the store changes.
    #[must_use]
    pub fn share(&self, id: AtomId) -> Rc<Atom> {
        Rc::clone(&self.atoms[id])
    }

    /// A node's atoms.
    #[must_use]
    pub fn atoms(&self, node: NodeId) -> &[AtomId] {
        &self.nodes[node]
    }

    /// How many nodes there are.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.nodes.len()
    }

    /// A place for a schema that is not compiled yet.
    pub fn reference(&mut self) -> usize {
        self.references.push(None);
        self.references.len() - 1
    }

    /// Fills the place.
    pub fn resolve(&mut self, reference: usize, node: NodeId) {
        self.references[reference] = Some(node);
    }

    /// The node of a reference, once it is compiled.
    #[must_use]
    pub fn referenced(&self, reference: usize) -> Option<NodeId> {
        self.references[reference]
    }
}
