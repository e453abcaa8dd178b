//! Two schemas side by side: where they differ, and what each difference alone does.
//!
//! The walk goes down wherever narrowing a part narrows the whole. At each place, one family of keywords after the
//! other is taken from the new schema into the old one, and containment says what that does. Invariant: the walk
//! only finds and names differences; whether the whole still fits is decided on the whole, in `judge`.

use std::collections::{BTreeSet, HashSet};

use serde_json::{Map, Value};

use super::judge::Direction;
use super::keywords::{FAMILIES, annotates, asserts, family};
use super::schema::literal::canonical;
use super::schema::node::NodeId;
use super::schema::reference::{self, Document};
use super::schema::solve::Answer;
use super::schema::{Pair, Side, TooLarge};

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

impl Edit {
    /// A change of a whole schema.
    pub fn whole(id: String, old: &Value, new: &Value) -> Self {
        let (old, new) = (Some(old.clone()), Some(new.clone()));
        Self { id, pointer: String::new(), old, new, name: None, mark: None }
    }
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    Key(String),
    Item,
}

/// Walks one pair of schemas.
pub struct Walk<'p, 'a> {
    pub(super) pair: &'p mut Pair<'a>,
    pub(super) roots: (&'a Value, &'a Value),
    pub(super) direction: Direction,
    seen: HashSet<(usize, usize)>,
    /// What was found.
    pub edits: Vec<Edit>,
}

pub(super) type Done = Result<(), TooLarge>;

/// The pointer with one more part.
pub(super) fn below(pointer: &str, part: &str) -> String {
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

    pub(super) fn visit(&mut self, old: &'a Value, new: &'a Value, pointer: &str, path: &[Step]) -> Done {
        let before = Resolved::new(self.pair.document(Side::Old), old);
        let after = Resolved::new(self.pair.document(Side::New), new);
        let (old, new) = (before.schema, after.schema);
        let first = self.seen.insert((std::ptr::from_ref(old).addr(), std::ptr::from_ref(new).addr()));
        self.notes(&before, &after, first, pointer);
        if !first {
            return Ok(());
        }
        let (Value::Object(before), Value::Object(after)) = (old, new) else {
            return self.replaced(old, new, pointer, path);
        };
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
    pub(super) fn replaced(&mut self, old: &'a Value, new: &'a Value, pointer: &str, path: &[Step]) -> Done {
        let node = self.pair.node(Side::New, new)?;
        self.weigh(old, node, "schema", path, (pointer.to_owned(), Some(old.clone()), Some(new.clone())))
    }

    /// Descriptions, defaults and whatever else asserts nothing; what the names on the way here say counts too.
    fn notes(&mut self, before: &Resolved<'a>, after: &Resolved<'a>, first: bool, pointer: &str) {
        let keys: BTreeSet<&'a String> = before.notes(first).chain(after.notes(first)).collect();
        for key in keys {
            let (old, new) = (before.said(key), after.said(key));
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

    /// The old schema with one family of keywords taken from the new one.
    pub(super) fn hybrid(&mut self, old: &'a Value, new: &'a Value, name: &str) -> Result<NodeId, TooLarge> {
        let rest = self.pair.partial(Side::Old, old, &|key| family(key) != Some(name))?;
        let taken = self.pair.partial(Side::New, new, &|key| family(key) == Some(name))?;
        Ok(self.pair.store().both(rest, taken))
    }

    /// Says what putting `node` in the place of `old` does.
    pub(super) fn weigh(
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

    pub(super) fn push(
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

pub(super) fn with(path: &[Step], step: Step) -> Vec<Step> {
    let mut path = path.to_vec();
    path.push(step);
    path
}

/// A schema, and those on the way to it that are nothing but a name for it.
struct Resolved<'a> {
    schema: &'a Value,
    way: Vec<&'a Map<String, Value>>,
}

impl<'a> Resolved<'a> {
    fn new(document: &Document<'a>, mut schema: &'a Value) -> Self {
        let mut way = Vec::new();
        // A chain of names that is longer is compared as it stands.
        while way.len() < 20
            && let Some(map) = schema.as_object()
        {
            let mut asserting = map.iter().filter(|(keyword, _)| asserts(keyword));
            match (asserting.next(), asserting.next()) {
                (Some((keyword, reference)), None) if reference::KEYWORDS.contains(&keyword.as_str()) => {
                    match document.schema(reference) {
                        Some(next) => schema = next,
                        None => break,
                    }
                    way.push(map);
                }
                _ => break,
            }
        }
        Self { schema, way }
    }

    /// The keys of the annotations on the way and, when asked, at its end.
    fn notes(&self, end: bool) -> impl Iterator<Item = &'a String> {
        let end = self.schema.as_object().filter(|_| end);
        let maps = self.way.iter().copied().chain(end);
        maps.flat_map(Map::keys).filter(|key| annotates(key)).collect::<Vec<_>>().into_iter()
    }

    /// What is said first.
    fn said(&self, key: &str) -> Option<&'a Value> {
        self.way.iter().find_map(|map| map.get(key)).or_else(|| self.schema.get(key))
    }
}
