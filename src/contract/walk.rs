//! Two schemas side by side: where they differ, and what each difference alone does.
//!
//! The walk goes down wherever narrowing a part narrows the whole. At each place, one family of keywords after the
//! other is taken from the new schema into the old one, and containment says what that does. Invariant: the walk
//! only finds and names differences; whether the whole still fits is decided on the whole, in `judge`.

use std::collections::{BTreeSet, HashSet};

use serde_json::{Map, Value};

use super::families::{FAMILIES, annotates, family};
use super::judge::Direction;
use super::schema::declared::around;
use super::schema::node::{Atom, FALSE, NodeId, TRUE, canonical, types};
use super::schema::solve::Answer;
use super::schema::{Pair, Side, TooLarge, reference};

/// A difference.
#[derive(Clone, Debug)]
pub struct Edit {
    /// The id of its kind.
    pub id: String,
    /// Where, below the schema's own pointer.
    pub pointer: String,
    /// Before.
    pub old: Option<Value>,
    /// After.
    pub new: Option<Value>,
    /// The property or keyword that it is about.
    pub name: Option<String>,
    /// The values that show it, as seen from the root.
    pub mark: Option<NodeId>,
}

#[derive(Clone, Debug)]
enum Step {
    Key(String),
    Item,
}

/// Walks one pair of schemas.
pub struct Walk<'p, 'a> {
    pair: &'p mut Pair<'a>,
    roots: (&'a Value, &'a Value),
    direction: Direction,
    seen: HashSet<(usize, usize)>,
    /// What was found.
    pub edits: Vec<Edit>,
}

type Done = Result<(), TooLarge>;

/// The pointer with one more part.
fn below(pointer: &str, part: &str) -> String {
    format!("{pointer}/{}", part.replace('~', "~0").replace('/', "~1"))
}

impl<'p, 'a> Walk<'p, 'a> {
    /// A walk over the two documents.
    pub fn new(pair: &'p mut Pair<'a>, old: &'a Value, new: &'a Value, direction: Direction) -> Self {
        Self { pair, roots: (old, new), direction, seen: HashSet::new(), edits: Vec::new() }
    }

    /// Finds all differences.
    ///
    /// # Errors
    /// When a schema is too deep or too large.
    pub fn run(&mut self) -> Done {
        self.visit(self.roots.0, self.roots.1, "", &[])
    }

    fn visit(&mut self, old: &'a Value, new: &'a Value, pointer: &str, path: &[Step]) -> Done {
        let (old, new) = (resolved(self.roots.0, old), resolved(self.roots.1, new));
        let place = (std::ptr::from_ref(old).addr(), std::ptr::from_ref(new).addr());
        if old == new && self.roots.0 == self.roots.1 || !self.seen.insert(place) {
            return Ok(());
        }
        let (Value::Object(before), Value::Object(after)) = (old, new) else {
            return self.replaced(old, new, pointer, path);
        };
        self.notes(before, after, pointer);
        self.properties(old, new, pointer, path)?;
        let walked = self.parts(before, after, pointer, path)?;
        for name in FAMILIES {
            let differs = |key: &&String| {
                family(key) == Some(name)
                    && !walked.contains(key.as_str())
                    && before.get(*key).map(canonical) != after.get(*key).map(canonical)
            };
            let keys: BTreeSet<&String> = before.keys().chain(after.keys()).filter(differs).collect();
            if let Some(key) = keys.first() {
                let few = |map: &Map<String, Value>| match keys.len() {
                    1 => map.get(*key).cloned(),
                    _ => {
                        let some: Map<_, _> = keys
                            .iter()
                            .filter_map(|key| Some(((*key).clone(), map.get(*key)?.clone())))
                            .collect();
                        (!some.is_empty()).then_some(Value::Object(some))
                    }
                };
                let pointer = if keys.len() == 1 { below(pointer, key) } else { pointer.to_owned() };
                let hybrid = self.hybrid(old, new, name)?;
                self.weigh(old, hybrid, name, path, (pointer, few(before), few(after)))?;
            }
        }
        Ok(())
    }

    /// One of the two is not an object: all or nothing.
    fn replaced(&mut self, old: &'a Value, new: &'a Value, pointer: &str, path: &[Step]) -> Done {
        let node = self.pair.node(Side::New, new)?;
        self.weigh(old, node, "schema", path, (pointer.to_owned(), Some(old.clone()), Some(new.clone())))
    }

    /// Descriptions, defaults and whatever else asserts nothing.
    fn notes(&mut self, before: &Map<String, Value>, after: &Map<String, Value>, pointer: &str) {
        let keys: BTreeSet<&String> =
            before.keys().chain(after.keys()).filter(|key| annotates(key)).collect();
        for key in keys {
            let (old, new) = (before.get(key), after.get(key));
            if old.map(canonical) == new.map(canonical) {
                continue;
            }
            let id = match (key.as_str(), new) {
                ("default", _) => "default-changed",
                ("deprecated", _) => "deprecated",
                ("x-mcp-header", Some(_)) if self.direction == Direction::Input => "header-added",
                ("x-mcp-header", _) => "header-removed",
                _ => "schema-text-changed",
            };
            self.push(id, below(pointer, key), old, new, None, None);
        }
    }

    fn properties(&mut self, old: &'a Value, new: &'a Value, pointer: &str, path: &[Step]) -> Done {
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

    fn added(
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
    fn required(&mut self, old: &'a Value, name: &str, now: bool, (pointer, path): (&str, &[Step])) -> Done {
        let node = self.pair.node(Side::Old, old)?;
        let has = self.pair.store().one(Atom::Required(name.to_owned()));
        let word = self.direction.word();
        let place = below(pointer, "required");
        let (before, after) = (
            Value::from(now.then_some("optional").unwrap_or("required")),
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

    /// Goes down into what stands for the same part on both sides; returns the keywords that it dealt with.
    fn parts(
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

    /// The old schema with one family of keywords taken from the new one.
    fn hybrid(&mut self, old: &'a Value, new: &'a Value, name: &str) -> Result<NodeId, TooLarge> {
        let rest = self.pair.partial(Side::Old, old, &|key| family(key) != Some(name))?;
        let taken = self.pair.partial(Side::New, new, &|key| family(key) == Some(name))?;
        Ok(self.pair.store().both(rest, taken))
    }

    /// Says what putting `node` in the place of `old` does.
    fn weigh(
        &mut self,
        old: &'a Value,
        node: NodeId,
        name: &str,
        path: &[Step],
        shown: (String, Option<Value>, Option<Value>),
    ) -> Done {
        let before = self.pair.node(Side::Old, old)?;
        let (narrowed, widened) = (vec![(before, true), (node, false)], vec![(node, true), (before, false)]);
        let harm = if self.direction == Direction::Input { narrowed.clone() } else { widened.clone() };
        let word = self.direction.word();
        let (less, more) = (self.pair.find(narrowed), self.pair.find(widened));
        let (hurts, helps) = if self.direction == Direction::Input { (&less, &more) } else { (&more, &less) };
        let (worse, better) = if self.direction == Direction::Input {
            ("narrowed", "widened")
        } else {
            ("widened", "narrowed")
        };
        let id = match (hurts, helps) {
            (Answer::Empty, Answer::Empty) => return Ok(()),
            (Answer::Empty, _) => format!("{word}-{name}-{better}"),
            (Answer::Found(_), _) => format!("{word}-{name}-{worse}"),
            (Answer::Unknown(_), _) => format!("{word}-unproved"),
        };
        let mark = matches!(hurts, Answer::Found(_)).then(|| self.mark(path, harm));
        let (pointer, old, new) = shown;
        self.push(&id, pointer, old.as_ref(), new.as_ref(), None, mark);
        Ok(())
    }

    /// The node, seen from the root, of values that have a value of the goal at the end of the path.
    fn mark(&mut self, path: &[Step], goal: Vec<(NodeId, bool)>) -> NodeId {
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

    /// Every property that a schema names for its value, through references and combinations.
    fn declared(&self, schema: &'a Value, side: Side) -> BTreeSet<String> {
        let root = if side == Side::Old { self.roots.0 } else { self.roots.1 };
        let schemas = around(root, schema).into_iter();
        schemas.filter_map(properties).flat_map(|map| map.keys().cloned()).collect()
    }

    fn push(
        &mut self,
        id: &str,
        pointer: String,
        old: Option<&Value>,
        new: Option<&Value>,
        name: Option<&str>,
        mark: Option<NodeId>,
    ) {
        let (old, new, name) = (old.cloned(), new.cloned(), name.map(str::to_owned));
        self.edits.push(Edit { id: id.to_owned(), pointer, old, new, name, mark });
    }
}

fn with(path: &[Step], step: Step) -> Vec<Step> {
    let mut path = path.to_vec();
    path.push(step);
    path
}

fn length(list: &Value) -> usize {
    list.as_array().map_or(0, Vec::len)
}

fn properties(schema: &Value) -> Option<&Map<String, Value>> {
    schema.get("properties").and_then(Value::as_object)
}

fn required(schema: &Value) -> BTreeSet<String> {
    let names = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    names.filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

/// Follows a schema that is nothing but a reference.
fn resolved<'a>(root: &'a Value, mut schema: &'a Value) -> &'a Value {
    for _ in 0..20 {
        let Some(map) = schema.as_object() else { return schema };
        let Some(target) = map.get("$ref").and_then(Value::as_str) else { return schema };
        if map.keys().any(|key| {
            key != "$ref"
                && !annotates(key)
                && !matches!(key.as_str(), "$defs" | "definitions" | "title" | "$schema")
        }) {
            return schema;
        }
        match reference::find(root, "$ref", target) {
            Some(next) if !std::ptr::eq(next, schema) => schema = next,
            _ => return schema,
        }
    }
    schema
}
