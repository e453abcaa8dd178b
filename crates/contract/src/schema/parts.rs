//! Keywords for the items of arrays and the keys of objects.
//!
//! Invariant: a keyword that the document's dialect does not know becomes opaque, or nothing where it is ignored.

use serde_json::{Map, Value, json};

use super::compile::{Atoms, Compiler, Done, keys};
use super::node::{Atom, FALSE, NodeId, TRUE, types};

impl<'a> Compiler<'a, '_> {
    pub(super) fn arrays(
        &mut self,
        atoms: &mut Atoms,
        map: &'a Map<String, Value>,
        key: &str,
        value: &'a Value,
    ) -> Done {
        let prefix = || map.get("prefixItems").and_then(Value::as_array).map_or(0, Vec::len);
        let legacy = self.is_legacy(map);
        match (key, value) {
            ("prefixItems", Value::Array(schemas)) if !legacy => self.tuple(atoms, schemas)?,
            ("items", Value::Array(schemas)) if legacy => self.tuple(atoms, schemas)?,
            ("additionalItems", _) if !legacy && !map.get("items").is_some_and(Value::is_array) => {}
            ("items", Value::Array(_)) | ("additionalItems", _) if !legacy => {
                self.add_opaque(atoms, key, value);
            }
            ("prefixItems" | "unevaluatedItems", _) if legacy => self.add_opaque(atoms, key, value),
            ("items" | "additionalItems", schema) => {
                let tuple = map.get("items").and_then(Value::as_array).map(Vec::len);
                let from = match (key, tuple) {
                    ("additionalItems", Some(length)) => length,
                    ("additionalItems", None) => return Ok(()),
                    _ => prefix(),
                };
                let node = self.part(schema)?;
                self.rest(atoms, from, node);
            }
            ("contains", schema) => {
                let node = self.part(schema)?;
                let count = |key: &str| map.get(key).map(Value::as_u64);
                match (count("minContains").unwrap_or(Some(1)), count("maxContains")) {
                    (Some(least), None) if least > 0 => self.add(atoms, Atom::CountMin(node, least)),
                    (Some(_), None) => {}
                    (Some(least), Some(Some(most))) => {
                        if least > 0 {
                            self.add(atoms, Atom::CountMin(node, least));
                        }
                        self.add(atoms, Atom::CountMax(node, most));
                    }
                    _ => {
                        let counts = [map.get("minContains"), map.get("maxContains")];
                        self.add_opaque(atoms, "contains", &json!([value, counts]));
                    }
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
            _ => self.add_opaque(atoms, key, value),
        }
        Ok(())
    }

    pub(super) fn tuple(&mut self, atoms: &mut Atoms, schemas: &'a [Value]) -> Done {
        for (index, schema) in schemas.iter().enumerate() {
            let node = self.part(schema)?;
            if node != TRUE {
                self.add(atoms, Atom::ItemAt(index, node));
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

    pub(super) fn objects(
        &mut self,
        atoms: &mut Atoms,
        map: &'a Map<String, Value>,
        key: &str,
        value: &'a Value,
    ) -> Done {
        let legacy = self.is_legacy(map);
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
            ("unevaluatedProperties" | "dependentRequired" | "dependentSchemas", _) if legacy => {
                self.add_opaque(atoms, key, value);
            }
            ("dependencies", _) if !legacy => self.add_opaque(atoms, key, value),
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
            _ => self.add_opaque(atoms, key, value),
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
    pub(super) fn unevaluated(
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
            self.add_opaque(atoms, "unevaluated beside", &json!(map));
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
}
