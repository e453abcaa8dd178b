//! Two schemas side by side: where they differ, and what each difference alone does.
//!
//! The walk goes down wherever narrowing a part narrows the whole. At each schema, one family of keywords after the
//! other is taken from the new schema into the old one, and containment says what that does. Invariant: the walk only
//! finds and names differences; whether the whole still fits is decided on the whole, in `judge`.

use std::collections::{BTreeSet, HashSet};

use serde_json::{Map, Value};

use super::keywords::is_of;
use super::rules::{self, Direction, Effect, FAMILIES, Family, Rule};
use super::schema::constant::canonical;
use super::schema::declared::around;
use super::schema::node::{Atom, FALSE, NodeId, TRUE, types};
use super::schema::reference::Resolved;
use super::schema::solve::{Answer, Goal};
use super::schema::{Pair, Side, TooLarge};

/// A difference.
#[derive(Clone, Debug)]
pub struct Edit {
    /// Its rule.
    pub rule: &'static Rule,
    /// Where, below the schema's own pointer.
    pub pointer: String,
    /// Before.
    pub old: Option<Value>,
    /// After.
    pub new: Option<Value>,
    /// The property that it is about.
    pub name: Option<String>,
    /// The values that show it, as seen from the root.
    pub mark: Option<NodeId>,
}

impl Edit {
    fn new(rule: &'static Rule, pointer: String, old: Option<&Value>, new: Option<&Value>) -> Self {
        Self { rule, pointer, old: old.cloned(), new: new.cloned(), name: None, mark: None }
    }

    /// A change of a whole schema.
    pub fn whole(rule: &'static Rule, old: &Value, new: &Value) -> Self {
        Self::new(rule, String::new(), Some(old), Some(new))
    }

    fn about(mut self, name: &str, mark: Option<NodeId>) -> Self {
        self.name = Some(name.to_owned());
        self.mark = mark;
        self
    }
}

/// A step from a value to a part of it.
#[derive(Clone, Debug)]
enum Step {
    /// To the value of this key.
    Key(String),
    /// To some item.
    Item,
    /// To a part that no single step leads to.
    Somewhere,
}

/// Walks one pair of schemas.
pub struct Walk<'p, 'a> {
    pair: &'p mut Pair<'a>,
    direction: Direction,
    /// The pairs of schemas that were compared, by their addresses in memory.
    seen: HashSet<(usize, usize)>,
    /// What was found.
    pub edits: Vec<Edit>,
}

type Done = Result<(), TooLarge>;

/// The pointer with one more part.
fn below(pointer: &str, part: &str) -> String {
    format!("{pointer}/{}", part.replace('~', "~0").replace('/', "~1"))
}

fn with(path: &[Step], step: Step) -> Vec<Step> {
    [path, &[step]].concat()
}

impl<'p, 'a> Walk<'p, 'a> {
    /// Finds all differences between the two documents.
    ///
    /// # Errors
    /// When a schema is too deep or too large.
    pub fn run(
        pair: &'p mut Pair<'a>,
        old: &'a Value,
        new: &'a Value,
        direction: Direction,
    ) -> Result<Vec<Edit>, TooLarge> {
        let mut walk = Self { pair, direction, seen: HashSet::new(), edits: Vec::new() };
        walk.visit(old, new, "", &[])?;
        Ok(walk.edits)
    }

    fn visit(&mut self, old: &'a Value, new: &'a Value, pointer: &str, path: &[Step]) -> Done {
        let before = Resolved::new(self.pair.document(Side::Old), old);
        let after = Resolved::new(self.pair.document(Side::New), new);
        let (old, new) = (before.schema, after.schema);
        let first = self.seen.insert((std::ptr::from_ref(old).addr(), std::ptr::from_ref(new).addr()));
        self.notes(&before, &after, first, pointer);
        if !first {
            return Ok(());
        }
        let (Value::Object(before), Value::Object(after)) = (old, new) else {
            // One of the two is not an object: all or nothing.
            let node = self.pair.node(Side::New, new)?;
            return self.weigh(
                old,
                node,
                &rules::SCHEMA,
                path,
                (pointer.to_owned(), Some(old.clone()), Some(new.clone())),
            );
        };
        self.properties(old, new, pointer, path)?;
        let walked = self.parts(before, after, pointer, path)?;
        for family in FAMILIES {
            let differs = |key: &&String| {
                is_of(key, family)
                    && !walked.contains(key.as_str())
                    && before.get(*key).map(canonical) != after.get(*key).map(canonical)
            };
            let keys: BTreeSet<&String> = before.keys().chain(after.keys()).filter(differs).collect();
            let Some(key) = keys.first() else { continue };
            let node = self.hybrid(old, new, family)?;
            let shown = if keys.len() == 1 {
                (below(pointer, key), before.get(*key).cloned(), after.get(*key).cloned())
            } else {
                let some = |map: &Map<String, Value>| {
                    let entries =
                        keys.iter().filter_map(|key| Some(((*key).clone(), map.get(*key)?.clone())));
                    Some(Value::Object(entries.collect()))
                        .filter(|some| some.as_object().is_some_and(|map| !map.is_empty()))
                };
                (pointer.to_owned(), some(before), some(after))
            };
            self.weigh(old, node, family, path, shown)?;
        }
        Ok(())
    }

    /// Descriptions, defaults and whatever else asserts nothing; what the names on the way here say counts too.
    fn notes(&mut self, before: &Resolved<'a>, after: &Resolved<'a>, first: bool, pointer: &str) {
        let keys: BTreeSet<&'a String> = before.notes(first).chain(after.notes(first)).collect();
        for key in keys {
            let (old, new) = (before.said(key), after.said(key));
            if old.map(canonical) == new.map(canonical) {
                continue;
            }
            let rule = match (key.as_str(), new) {
                ("default", _) => &rules::DEFAULT_CHANGED,
                ("deprecated", _) => &rules::DEPRECATED,
                ("x-mcp-header", Some(_)) if self.direction == Direction::Input => &rules::HEADER_ADDED,
                ("x-mcp-header", _) => &rules::HEADER_REMOVED,
                _ => &rules::SCHEMA_TEXT_CHANGED,
            };
            self.edits.push(Edit::new(rule, below(pointer, key), old, new));
        }
    }

    /// The old schema with one family of keywords taken from the new one.
    fn hybrid(
        &mut self,
        old: &'a Value,
        new: &'a Value,
        family: &'static Family,
    ) -> Result<NodeId, TooLarge> {
        let rest = self.pair.partial(Side::Old, old, &|key| !is_of(key, family))?;
        let taken = self.pair.partial(Side::New, new, &|key| is_of(key, family))?;
        Ok(self.pair.store().both(rest, taken))
    }

    /// Names an edit by what putting `node` in the place of `old` does.
    fn weigh(
        &mut self,
        old: &'a Value,
        node: NodeId,
        family: &'static Family,
        path: &[Step],
        (pointer, was, is): (String, Option<Value>, Option<Value>),
    ) -> Done {
        let before = self.pair.node(Side::Old, old)?;
        let gone: Goal = vec![(before, true), (node, false)];
        let come: Goal = vec![(node, true), (before, false)];
        let (harm, relief) = match self.direction.harm() {
            Effect::Narrowed => (gone, come),
            Effect::Widened => (come, gone),
        };
        let mut mark = None;
        let rule = match (self.pair.find(harm.clone()), self.pair.find(relief)) {
            (Answer::Empty, Answer::Empty) => return Ok(()),
            (Answer::Empty, _) => family.rule(self.direction, self.direction.relief()),
            (Answer::Unknown(_), _) => self.direction.unproved(),
            (Answer::Found(_), _) => {
                mark = Some(self.mark(path, harm));
                family.rule(self.direction, self.direction.harm())
            }
        };
        self.edits.push(Edit { rule, pointer, old: was, new: is, name: None, mark });
        Ok(())
    }

    /// Keys: which came, which went, which must be there. A key that moved into a conjunct or behind a reference is
    /// still there.
    fn properties(&mut self, old: &'a Value, new: &'a Value, pointer: &str, path: &[Step]) -> Done {
        let (before, after) = (properties(old), properties(new));
        let (all_before, all_after) = (self.declared(old, Side::Old), self.declared(new, Side::New));
        let (needed_before, needed_after) = (required(old), required(new));
        for (name, schema) in before.into_iter().flatten() {
            let place = below(&below(pointer, "properties"), name);
            match after.and_then(|after| after.get(name)) {
                Some(now) => self.visit(schema, now, &place, &with(path, Step::Key(name.clone())))?,
                None if all_after.contains(name) => {}
                None => {
                    let node = self.pair.node(Side::Old, old)?;
                    let has = self.pair.store().one(Atom::Required(name.clone()));
                    let holds = self.direction == Direction::Input;
                    let mark = self.mark(path, vec![(node, holds), (has, holds)]);
                    let rule =
                        self.direction.pick(&rules::INPUT_PROPERTY_REMOVED, &rules::OUTPUT_PROPERTY_REMOVED);
                    self.edits.push(Edit::new(rule, place, Some(schema), None).about(name, Some(mark)));
                }
            }
        }
        for (name, schema) in after.into_iter().flatten() {
            let is_new = !all_before.contains(name) && !needed_before.contains(name);
            if is_new && !(needed_after.contains(name) && self.direction == Direction::Input) {
                self.added(old, new, (name, schema), pointer, path)?;
            }
        }
        for name in needed_before.symmetric_difference(&needed_after) {
            let now = needed_after.contains(name);
            let gone = before.is_some_and(|map| map.contains_key(name)) && !all_after.contains(name);
            let came = now && self.direction == Direction::Output && !all_before.contains(name);
            if !gone && !came {
                self.required(old, name, now, pointer, path)?;
            }
        }
        Ok(())
    }

    fn added(
        &mut self,
        old: &'a Value,
        new: &'a Value,
        (name, schema): (&str, &'a Value),
        pointer: &str,
        path: &[Step],
    ) -> Done {
        let (before, after) = (self.pair.node(Side::Old, old)?, self.pair.node(Side::New, new)?);
        let (harmful, goal) = if self.direction == Direction::Input {
            let promised = self.pair.promised(old, new);
            let value = self.pair.node(Side::New, schema)?;
            let here = self.pair.store().one(Atom::Prop(name.to_owned(), value));
            let family = rules::ADDITIONAL.rule(self.direction, self.direction.harm());
            (family, vec![(before, true), (promised, true), (here, false)])
        } else {
            // What closes the old object: only that can refuse a key that it does not name.
            let closing =
                |atom: &Atom| matches!(atom, Atom::Additional(..) | Atom::Names(_) | Atom::MaxKeys(_));
            let store = self.pair.store();
            let atoms =
                store.atoms(before).iter().copied().filter(|atom| closing(store.get(*atom))).collect();
            let closed = store.node(atoms);
            let has = store.one(Atom::Required(name.to_owned()));
            (&rules::OUTPUT_PROPERTY_UNDECLARED, vec![(after, true), (has, true), (closed, false)])
        };
        let (rule, mark) = match self.pair.find(goal.clone()) {
            Answer::Empty => {
                (self.direction.pick(&rules::INPUT_PROPERTY_ADDED, &rules::OUTPUT_PROPERTY_ADDED), None)
            }
            Answer::Found(_) => (harmful, Some(self.mark(path, goal))),
            Answer::Unknown(_) => (self.direction.unproved(), None),
        };
        let place = below(&below(pointer, "properties"), name);
        self.edits.push(Edit::new(rule, place, None, Some(schema)).about(name, mark));
        Ok(())
    }

    /// A key that became required, or no longer is.
    fn required(&mut self, old: &'a Value, name: &str, now: bool, pointer: &str, path: &[Step]) -> Done {
        let node = self.pair.node(Side::Old, old)?;
        let has = self.pair.store().one(Atom::Required(name.to_owned()));
        let goal = if now { vec![(node, true), (has, false)] } else { vec![(has, false)] };
        if now && self.pair.find(goal.clone()) == Answer::Empty {
            return Ok(());
        }
        let (rule, before, after) = if now {
            let rule = self.direction.pick(&rules::INPUT_REQUIRED_ADDED, &rules::OUTPUT_REQUIRED_ADDED);
            (rule, "optional", "required")
        } else {
            let rule = self.direction.pick(&rules::INPUT_REQUIRED_REMOVED, &rules::OUTPUT_REQUIRED_REMOVED);
            (rule, "required", "optional")
        };
        let mark = self.mark(path, goal);
        let (before, after) = (Value::from(before), Value::from(after));
        let edit = Edit::new(rule, below(pointer, "required"), Some(&before), Some(&after));
        self.edits.push(edit.about(name, Some(mark)));
        Ok(())
    }

    /// Every property that a schema names for its value, through references and combinations.
    fn declared(&self, schema: &'a Value, side: Side) -> BTreeSet<String> {
        let schemas = around(self.pair.document(side), schema).into_iter();
        schemas.filter_map(properties).flat_map(|map| map.keys().cloned()).collect()
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
        for (key, step) in [("items", Step::Item), ("additionalProperties", Step::Somewhere)] {
            if let (Some(old @ Value::Object(_)), Some(new @ Value::Object(_))) =
                (before.get(key), after.get(key))
                && (key != "items"
                    || before.get("prefixItems").map(length) == after.get("prefixItems").map(length))
            {
                self.visit(old, new, &below(pointer, key), &with(path, step))?;
                walked.insert(key);
            }
        }
        for key in ["prefixItems", "allOf", "anyOf", "oneOf"] {
            let (Some(Value::Array(old)), Some(Value::Array(new))) = (before.get(key), after.get(key)) else {
                continue;
            };
            let inside = if key == "prefixItems" { with(path, Step::Item) } else { path.to_vec() };
            // Of alternatives that moved nobody can say which became which.
            let differing = old.iter().zip(new).filter(|(old, new)| canonical(old) != canonical(new)).count();
            if old.len() == new.len() && (differing <= 1 || key == "prefixItems") {
                for (index, (old, new)) in old.iter().zip(new).enumerate() {
                    self.visit(old, new, &below(&below(pointer, key), &index.to_string()), &inside)?;
                }
                walked.insert(key);
            }
        }
        if let (Some(Value::Object(old)), Some(Value::Object(new))) =
            (before.get("patternProperties"), after.get("patternProperties"))
            && old.keys().eq(new.keys())
        {
            for ((name, old), new) in old.iter().zip(new.values()) {
                let pointer = below(&below(pointer, "patternProperties"), name);
                self.visit(old, new, &pointer, &with(path, Step::Somewhere))?;
            }
            walked.insert("patternProperties");
        }
        Ok(walked)
    }

    /// The node, seen from the root, of values that have a value of the goal at the end of the path.
    fn mark(&mut self, path: &[Step], goal: Goal) -> NodeId {
        let store = self.pair.store();
        let mut node = TRUE;
        for (part, holds) in goal {
            let part = match (holds, part) {
                (true, part) => part,
                (false, TRUE) => FALSE,
                (false, part) => store.one(Atom::Not(part)),
            };
            node = store.both(node, part);
        }
        for step in path.iter().rev() {
            let (instance, has, part) = match step {
                Step::Somewhere => return TRUE,
                Step::Key(name) => {
                    (types::OBJECT, Atom::Required(name.clone()), Atom::Prop(name.clone(), node))
                }
                Step::Item => (types::ARRAY, Atom::MinItems(1), Atom::CountMin(node, 1)),
            };
            let atoms = [Atom::Types(instance), has, part].map(|atom| store.atom(atom));
            node = store.node(atoms.to_vec());
        }
        node
    }
}

fn properties(schema: &Value) -> Option<&Map<String, Value>> {
    schema.get("properties").and_then(Value::as_object)
}

fn required(schema: &Value) -> BTreeSet<String> {
    let names = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    names.filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

fn length(list: &Value) -> usize {
    list.as_array().map_or(0, Vec::len)
}
