//! Does this value satisfy this literal? The other half of the solver: it checks what the search proposes.
//!
//! Invariant: "yes" and "no" are certain; what this program does not understand is neither.

use std::rc::Rc;

use serde_json::{Map, Value, json};

use super::constant::Constant;
use super::node::{Atom, AtomId, NodeId};
use super::number::Num;
use super::solve::{Item, Solver, type_of};
use super::text::FORMATS;

/// A value nests 127 levels at most, and each takes a node and an atom; what is deeper is a schema that is its own part.
const NESTING: usize = 400;

/// The conjunction of answers: one "no" settles it.
fn all(answers: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut result = Some(true);
    for answer in answers {
        match answer {
            Some(false) => return Some(false),
            Some(true) => {}
            None => result = None,
        }
    }
    result
}

impl Solver {
    /// Whether the value satisfies every literal.
    pub fn holds_all(&mut self, value: &Value, literals: &[(AtomId, bool)]) -> Option<bool> {
        all(literals.iter().map(|(atom, holds)| self.holds(value, Item::Atom(*atom, *holds))))
    }

    /// Whether the value satisfies the item.
    pub fn holds(&mut self, value: &Value, item: Item) -> Option<bool> {
        if self.nesting > NESTING {
            return None;
        }
        self.nesting += 1;
        let (truth, wanted) = match item {
            Item::Node(node, wanted) => (self.node_holds(value, node), wanted),
            Item::Atom(atom, wanted) => (self.atom_holds(value, atom), wanted),
        };
        self.nesting -= 1;
        truth.map(|truth| truth == wanted)
    }

    fn node_holds(&mut self, value: &Value, node: NodeId) -> Option<bool> {
        let atoms = self.store.atoms(node).to_vec();
        all(atoms.into_iter().map(|atom| self.holds(value, Item::Atom(atom, true))))
    }

    fn atom_holds(&mut self, value: &Value, atom: AtomId) -> Option<bool> {
        let atom = self.store.share(atom);
        match &*atom {
            Atom::False => Some(false),
            Atom::Types(bits) => Some(bits & type_of(value) != 0),
            Atom::Enum(values) => Some(values.contains(&Constant::new(value))),
            Atom::Ref(reference) => {
                let node = self.store.referenced(*reference)?;
                self.node_holds(value, node)
            }
            Atom::Not(node) => self.holds(value, Item::Node(*node, false)),
            Atom::Any(nodes) => {
                let none = all(nodes.iter().map(|node| self.holds(value, Item::Node(*node, false))));
                none.map(|none| !none)
            }
            Atom::One(nodes) => {
                let held = nodes.iter().map(|node| self.holds(value, Item::Node(*node, true)));
                let held = held.collect::<Option<Vec<bool>>>()?;
                Some(held.into_iter().filter(|held| *held).count() == 1)
            }
            Atom::Cases(cases) => {
                for (conditions, node) in cases {
                    if all(conditions
                        .iter()
                        .map(|(node, holds)| self.holds(value, Item::Node(*node, *holds))))?
                    {
                        return self.node_holds(value, *node);
                    }
                }
                None
            }
            Atom::Opaque(_) => None,
            _ => match value {
                Value::Number(number) => number_holds(number, &atom),
                Value::String(text) => self.text_holds(text, &atom),
                Value::Array(items) => self.items_hold(items, &atom),
                Value::Object(map) => self.keys_hold(map, &atom),
                Value::Null | Value::Bool(_) => Some(true),
            },
        }
    }

    fn text_holds(&mut self, text: &str, atom: &Atom) -> Option<bool> {
        match atom {
            Atom::MinLength(least) => Some(text.chars().count() as u64 >= *least),
            Atom::MaxLength(most) => Some(text.chars().count() as u64 <= *most),
            Atom::Pattern(pattern) => self.matches(pattern, text),
            Atom::Format(format) if FORMATS.iter().any(|(known, _)| known == format) => {
                self.validate(&json!({ "format": format }), text)
            }
            Atom::Format(_) => None,
            _ => Some(true),
        }
    }

    /// Whether the pattern matches the text.
    pub fn matches(&mut self, pattern: &str, text: &str) -> Option<bool> {
        match self.automaton(pattern) {
            Some(automaton) => Some(automaton.is_match(text)),
            None => self.validate(&json!({ "pattern": pattern }), text),
        }
    }

    fn validate(&mut self, schema: &Value, text: &str) -> Option<bool> {
        let key = schema.to_string();
        if !self.strings.contains_key(&key) {
            self.strings.insert(key.clone(), super::validator(schema).ok().map(Rc::new));
        }
        let validator = self.strings.get(&key).cloned().flatten()?;
        Some(validator.is_valid(&Value::String(text.to_owned())))
    }

    fn items_hold(&mut self, items: &[Value], atom: &Atom) -> Option<bool> {
        let length = items.len() as u64;
        match atom {
            Atom::MinItems(least) => Some(length >= *least),
            Atom::MaxItems(most) => Some(length <= *most),
            Atom::Unique => {
                let mut seen: Vec<Constant> = items.iter().map(Constant::new).collect();
                seen.sort();
                Some(seen.windows(2).all(|pair| pair[0] != pair[1]))
            }
            Atom::ItemAt(index, node) => {
                items.get(*index).map_or(Some(true), |item| self.holds(item, Item::Node(*node, true)))
            }
            Atom::ItemsFrom(from, node) => {
                all(items.iter().skip(*from).map(|item| self.holds(item, Item::Node(*node, true))))
            }
            Atom::CountMin(node, least) => Some(self.count(items, *node)? >= *least),
            Atom::CountMax(node, most) => Some(self.count(items, *node)? <= *most),
            _ => Some(true),
        }
    }

    fn count(&mut self, items: &[Value], node: NodeId) -> Option<u64> {
        items.iter().map(|item| self.holds(item, Item::Node(node, true)).map(u64::from)).sum()
    }

    fn keys_hold(&mut self, map: &Map<String, Value>, atom: &Atom) -> Option<bool> {
        let length = map.len() as u64;
        match atom {
            Atom::Required(key) => Some(map.contains_key(key)),
            Atom::MinKeys(least) => Some(length >= *least),
            Atom::MaxKeys(most) => Some(length <= *most),
            Atom::Prop(key, node) => {
                map.get(key).map_or(Some(true), |value| self.holds(value, Item::Node(*node, true)))
            }
            Atom::PatternProp(pattern, node) => all(map.iter().map(|(key, value)| {
                if self.matches(pattern, key)? {
                    self.holds(value, Item::Node(*node, true))
                } else {
                    Some(true)
                }
            })),
            Atom::Additional(names, patterns, node) => all(map.iter().map(|(key, value)| {
                if names.contains(key) {
                    return Some(true);
                }
                for pattern in patterns {
                    if self.matches(pattern, key)? {
                        return Some(true);
                    }
                }
                self.holds(value, Item::Node(*node, true))
            })),
            Atom::Names(node) => {
                all(map.keys().map(|key| self.holds(&Value::String(key.clone()), Item::Node(*node, true))))
            }
            _ => Some(true),
        }
    }
}

fn number_holds(number: &serde_json::Number, atom: &Atom) -> Option<bool> {
    let number = Num::of(number)?;
    match atom {
        Atom::Min(least, strict) => Some(number > *least || number == *least && !strict),
        Atom::Max(most, strict) => Some(number < *most || number == *most && !strict),
        Atom::MultipleOf(step) => Some(number.0 % step.0 == 0),
        _ => Some(true),
    }
}
