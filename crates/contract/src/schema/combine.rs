//! Keywords that combine schemas for the same value, and references.
//!
//! Invariant: conjunctions are merged, so that only real choices become atoms.

use serde_json::{Map, Value};

use super::compile::{Atoms, Compiler, Done, TooLarge};
use super::node::{Atom, FALSE, NodeId, TRUE};

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
