//! The part of the walk that looks at the keys of objects: which came, which went, which must be there.
//!
//! Invariant: a key that moved into a conjunct or behind a reference is still there.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::judge::Direction;
use super::schema::Side;
use super::schema::declared::around;
use super::schema::node::Atom;
use super::schema::solve::Answer;
use super::walk::{Done, Step, Walk, below, with};

impl<'a> Walk<'_, 'a> {
    pub(super) fn properties(
        &mut self,
        old: &'a Value,
        new: &'a Value,
        pointer: &str,
        path: &[Step],
    ) -> Done {
        let (before, after) = (properties(old), properties(new));
        let (all_before, all_after) = (self.declared(old, Side::Old), self.declared(new, Side::New));
        let (needed_before, needed_after) = (required(old), required(new));
        let word = self.direction.word();
        for (name, schema) in before.iter().copied().flatten() {
            let place = below(&below(pointer, "properties"), name);
            match after.and_then(|after| after.get(name)) {
                Some(now) => self.visit(schema, now, &place, &with(path, Step::Key(name.clone())))?,
                None if all_after.contains(name) => {}
                None => {
                    let node = self.pair.node(Side::Old, old)?;
                    let (mark, holds) = (
                        self.pair.store().one(Atom::Required(name.clone())),
                        self.direction == Direction::Input,
                    );
                    let mark = self.mark(path, vec![(node, holds), (mark, holds)]);
                    self.push(
                        &format!("{word}-property-removed"),
                        place,
                        Some(schema),
                        None,
                        Some(name),
                        Some(mark),
                    );
                }
            }
        }
        for (name, schema) in after.iter().copied().flatten() {
            let added = !all_before.contains(name) && !needed_before.contains(name);
            if added && !(needed_after.contains(name) && self.direction == Direction::Input) {
                let place = below(&below(pointer, "properties"), name);
                self.added(old, new, (name, schema), place, path)?;
            }
        }
        let gone =
            |name: &String| before.is_some_and(|map| map.contains_key(name)) && !all_after.contains(name);
        for name in needed_before.symmetric_difference(&needed_after) {
            let now = needed_after.contains(name);
            if gone(name) || now && self.direction == Direction::Output && !all_before.contains(name) {
                continue;
            }
            self.required(old, name, now, (pointer, path))?;
        }
        Ok(())
    }

    pub(super) fn added(
        &mut self,
        old: &'a Value,
        new: &'a Value,
        (name, schema): (&str, &'a Value),
        place: String,
        path: &[Step],
    ) -> Done {
        let (before, after) = (self.pair.node(Side::Old, old)?, self.pair.node(Side::New, new)?);
        let (id, goal) = if self.direction == Direction::Input {
            let promised = self.pair.promised(old, new);
            let value = self.pair.node(Side::New, schema)?;
            let here = self.pair.store().one(Atom::Prop(name.to_owned(), value));
            ("input-additional-narrowed", vec![(before, true), (promised, true), (here, false)])
        } else {
            let closing =
                |atom: &Atom| matches!(atom, Atom::Additional(..) | Atom::Names(_) | Atom::MaxKeys(_));
            let store = self.pair.store();
            let atoms =
                store.atoms(before).iter().copied().filter(|atom| closing(store.get(*atom))).collect();
            let closed = store.node(atoms);
            let has = store.one(Atom::Required(name.to_owned()));
            ("output-property-undeclared", vec![(after, true), (has, true), (closed, false)])
        };
        match self.pair.find(goal.clone()) {
            Answer::Empty => self.push(
                &format!("{}-property-added", self.direction.word()),
                place,
                None,
                Some(schema),
                Some(name),
                None,
            ),
            Answer::Found(_) => {
                let mark = self.mark(path, goal);
                self.push(id, place, None, Some(schema), Some(name), Some(mark));
            }
            Answer::Unknown(_) => self.push(
                &format!("{}-unproved", self.direction.word()),
                place,
                None,
                Some(schema),
                Some(name),
                None,
            ),
        }
        Ok(())
    }

    /// A key that became required, or no longer is.
    pub(super) fn required(
        &mut self,
        old: &'a Value,
        name: &str,
        now: bool,
        (pointer, path): (&str, &[Step]),
    ) -> Done {
        let node = self.pair.node(Side::Old, old)?;
        let has = self.pair.store().one(Atom::Required(name.to_owned()));
        let word = self.direction.word();
        let place = below(pointer, "required");
        let (before, after) = (
            Value::from(if now { "optional" } else { "required" }),
            Value::from(if now { "required" } else { "optional" }),
        );
        let goal = if now { vec![(node, true), (has, false)] } else { vec![(has, false)] };
        if now && self.pair.find(goal.clone()) == Answer::Empty {
            return Ok(());
        }
        let id = format!("{word}-required-{}", if now { "added" } else { "removed" });
        let mark = self.mark(path, goal);
        self.push(&id, place, Some(&before), Some(&after), Some(name), Some(mark));
        Ok(())
    }

    /// Every property that a schema names for its value, through references and combinations.
    pub(super) fn declared(&self, schema: &'a Value, side: Side) -> BTreeSet<String> {
        let schemas = around(self.pair.document(side), schema).into_iter();
        schemas.filter_map(properties).flat_map(|map| map.keys().cloned()).collect()
    }
}

fn properties(schema: &Value) -> Option<&Map<String, Value>> {
    schema.get("properties").and_then(Value::as_object)
}

fn required(schema: &Value) -> BTreeSet<String> {
    let names = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    names.filter_map(|name| name.as_str().map(str::to_owned)).collect()
}
