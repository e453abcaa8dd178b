//! The part of the walk that goes down, and the nodes that mark where it went.
//!
//! Invariant: it goes down only where narrowing a part narrows the whole.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::schema::TooLarge;
use super::schema::literal::canonical;
use super::schema::node::{Atom, FALSE, NodeId, TRUE, types};
use super::walk::{Step, Walk, below, with};

impl<'a> Walk<'_, 'a> {
    /// Goes down into what stands for the same part on both sides; returns the keywords that it dealt with.
    pub(super) fn parts(
        &mut self,
        before: &'a Map<String, Value>,
        after: &'a Map<String, Value>,
        pointer: &str,
        path: &[Step],
    ) -> Result<BTreeSet<&'static str>, TooLarge> {
        let mut walked = BTreeSet::new();
        for (key, step) in [("items", Some(Step::Item)), ("additionalProperties", None)] {
            if let (Some(old @ Value::Object(_)), Some(new @ Value::Object(_))) =
                (before.get(key), after.get(key))
                && (key != "items"
                    || before.get("prefixItems").map(length) == after.get("prefixItems").map(length))
            {
                let inside =
                    step.map_or_else(|| with(path, Step::Key("other".to_owned())), |step| with(path, step));
                self.visit(old, new, &below(pointer, key), &inside)?;
                walked.insert(key);
            }
        }
        for key in ["prefixItems", "allOf", "anyOf", "oneOf"] {
            let (Some(Value::Array(old)), Some(Value::Array(new))) = (before.get(key), after.get(key)) else {
                continue;
            };
            let inside = if key == "prefixItems" { with(path, Step::Item) } else { path.to_vec() };
            let differing = old.iter().zip(new).filter(|(old, new)| canonical(old) != canonical(new)).count();
            if old.len() == new.len() && (differing <= 1 || key == "prefixItems") {
                for (place, (old, new)) in old.iter().zip(new).enumerate() {
                    self.visit(old, new, &below(&below(pointer, key), &place.to_string()), &inside)?;
                }
                walked.insert(key);
            }
        }
        if let (Some(Value::Object(old)), Some(Value::Object(new))) =
            (before.get("patternProperties"), after.get("patternProperties"))
            && old.keys().eq(new.keys())
        {
            for ((name, old), new) in old.iter().zip(new.values()) {
                self.visit(
                    old,
                    new,
                    &below(&below(pointer, "patternProperties"), name),
                    &with(path, Step::Key("other".to_owned())),
                )?;
            }
            walked.insert("patternProperties");
        }
        Ok(walked)
    }

    /// The node, seen from the root, of values that have a value of the goal at the end of the path.
    pub(super) fn mark(&mut self, path: &[Step], goal: Vec<(NodeId, bool)>) -> NodeId {
        let store = self.pair.store();
        let mut node = TRUE;
        for (part, holds) in goal {
            let part = if holds {
                part
            } else if part == TRUE {
                FALSE
            } else {
                store.one(Atom::Not(part))
            };
            node = store.both(node, part);
        }
        for step in path.iter().rev() {
            let (kind, has, part) = match step {
                Step::Key(name) if name == "other" => return TRUE,
                Step::Key(name) => {
                    (types::OBJECT, Atom::Required(name.clone()), Atom::Prop(name.clone(), node))
                }
                Step::Item => (types::ARRAY, Atom::MinItems(1), Atom::CountMin(node, 1)),
            };
            let atoms = [Atom::Types(kind), has, part].map(|atom| store.atom(atom));
            node = store.node(atoms.to_vec());
        }
        node
    }
}

fn length(list: &Value) -> usize {
    list.as_array().map_or(0, Vec::len)
}
