//! One branch of the search: what follows from what was decided, and which choices remain.
//!
//! Invariant: an alternative is dropped only when it contradicts what was decided or is false for the instance type.

use std::collections::HashMap;

use super::node::{Atom, AtomId, FALSE, NodeId, TRUE, types};
use super::solve::{Item, Solver, type_of};

/// What an atom comes to for one instance type.
enum Step {
    Holds,
    Fails,
    Literal,
    All(Vec<Item>),
    Choice(Vec<Vec<Item>>),
}

/// A partial solution: what was decided, and what is open.
#[derive(Clone, Default)]
pub(super) struct Branch {
    pub(super) seen: HashMap<(bool, usize), bool>,
    pub(super) literals: Vec<(AtomId, bool)>,
    pub(super) choices: Vec<Vec<Vec<Item>>>,
}

impl Solver {
    /// Works off what has no alternative; false on a contradiction.
    pub(super) fn settle(&mut self, instance: u8, branch: &mut Branch, mut todo: Vec<Item>) -> bool {
        while let Some(item) = todo.pop() {
            let (key, holds) = match item {
                Item::Node(node, holds) => ((true, node), holds),
                Item::Atom(atom, holds) => ((false, atom), holds),
            };
            match branch.seen.insert(key, holds) {
                Some(before) if before != holds => return false,
                Some(_) => continue,
                None => {}
            }
            match item {
                Item::Node(node, true) => {
                    todo.extend(self.store.atoms(node).iter().map(|atom| Item::Atom(*atom, true)));
                }
                Item::Node(node, false) => {
                    branch.choices.push(
                        self.store.atoms(node).iter().map(|atom| vec![Item::Atom(*atom, false)]).collect(),
                    );
                }
                Item::Atom(atom, holds) => match self.expand(instance, atom, holds) {
                    Step::Holds => {}
                    Step::Fails => return false,
                    Step::Literal => branch.literals.push((atom, holds)),
                    Step::All(items) => todo.extend(items),
                    Step::Choice(alternatives) => branch.choices.push(alternatives),
                },
            }
        }
        true
    }

    /// Drops dead alternatives and met choices. None when a choice has died; else what is now without alternative.
    pub(super) fn simplify(&mut self, instance: u8, branch: &mut Branch) -> Option<Vec<Item>> {
        let mut forced = Vec::new();
        let mut kept = Vec::new();
        for mut choice in std::mem::take(&mut branch.choices) {
            choice
                .retain(|items| !items.iter().any(|item| self.state(instance, branch, *item) == Some(false)));
            if choice
                .iter()
                .any(|items| items.iter().all(|item| self.state(instance, branch, *item) == Some(true)))
            {
                continue;
            }
            match choice.len() {
                0 => return None,
                1 => forced.extend(choice.remove(0)),
                _ => kept.push(choice),
            }
        }
        branch.choices = kept;
        Some(forced)
    }

    /// What is already decided about an item in this branch.
    pub(super) fn state(&self, instance: u8, branch: &Branch, item: Item) -> Option<bool> {
        let (key, wanted) = match item {
            Item::Node(TRUE, holds) => return Some(holds),
            Item::Node(FALSE, holds) => return Some(!holds),
            Item::Node(node, holds) => ((true, node), holds),
            Item::Atom(atom, holds) => ((false, atom), holds),
        };
        if let Some(before) = branch.seen.get(&key) {
            return Some(*before == wanted);
        }
        match item {
            Item::Atom(atom, holds) => match self.expand(instance, atom, holds) {
                Step::Holds => Some(true),
                Step::Fails => Some(false),
                _ => None,
            },
            Item::Node(node, true) => self
                .store
                .atoms(node)
                .iter()
                .any(|atom| {
                    matches!(self.expand(instance, *atom, true), Step::Fails)
                        || branch.seen.get(&(false, *atom)) == Some(&false)
                })
                .then_some(false),
            Item::Node(node, false) => {
                let fails = |atom: &AtomId| {
                    matches!(self.expand(instance, *atom, false), Step::Fails)
                        || branch.seen.get(&(false, *atom)) == Some(&true)
                };
                self.store.atoms(node).iter().all(fails).then_some(false)
            }
        }
    }

    fn expand(&self, instance: u8, atom: AtomId, holds: bool) -> Step {
        let sure = |truth: bool| if truth == holds { Step::Holds } else { Step::Fails };
        let of = |wanted: u8| if instance & wanted == 0 { sure(true) } else { Step::Literal };
        match self.store.get(atom) {
            Atom::Min(..) | Atom::Max(..) | Atom::MultipleOf(_) => of(types::WHOLE | types::FRACTION),
            Atom::MinLength(_) | Atom::MaxLength(_) | Atom::Pattern(_) | Atom::Format(_) => of(types::STRING),
            Atom::Required(_) | Atom::Prop(..) | Atom::PatternProp(..) | Atom::Additional(..) => {
                of(types::OBJECT)
            }
            Atom::Names(_) | Atom::MinKeys(_) | Atom::MaxKeys(_) => of(types::OBJECT),
            Atom::ItemAt(..) | Atom::ItemsFrom(..) | Atom::CountMin(..) | Atom::CountMax(..) => {
                of(types::ARRAY)
            }
            Atom::MinItems(_) | Atom::MaxItems(_) | Atom::Unique => of(types::ARRAY),
            Atom::False => sure(false),
            Atom::Types(bits) if bits & instance == 0 => sure(false),
            Atom::Types(bits) if bits & instance == instance => sure(true),
            Atom::Types(_) | Atom::Opaque(_) => Step::Literal,
            Atom::Enum(values) => {
                if values.iter().any(|literal| type_of(&literal.value) & instance != 0) {
                    Step::Literal
                } else {
                    sure(false)
                }
            }
            Atom::Ref(reference) => match self.store.referenced(*reference) {
                Some(node) => Step::All(vec![Item::Node(node, holds)]),
                None => Step::Literal,
            },
            Atom::Not(node) => Step::All(vec![Item::Node(*node, !holds)]),
            Atom::Any(nodes) if holds => {
                Step::Choice(nodes.iter().map(|node| vec![Item::Node(*node, true)]).collect())
            }
            Atom::Any(nodes) => Step::All(nodes.iter().map(|node| Item::Node(*node, false)).collect()),
            Atom::One(nodes) => Step::Choice(exactly_one(nodes, holds)),
            Atom::Cases(cases) => Step::Choice(
                cases
                    .iter()
                    .map(|(conditions, node)| {
                        let conditions = conditions.iter().map(|(node, holds)| Item::Node(*node, *holds));
                        conditions.chain([Item::Node(*node, holds)]).collect()
                    })
                    .collect(),
            ),
        }
    }
}

fn exactly_one(nodes: &[NodeId], holds: bool) -> Vec<Vec<Item>> {
    if holds {
        let only = |chosen: usize| {
            nodes.iter().enumerate().map(move |(index, node)| Item::Node(*node, index == chosen))
        };
        return (0..nodes.len()).map(|chosen| only(chosen).collect()).collect();
    }
    let mut alternatives = vec![nodes.iter().map(|node| Item::Node(*node, false)).collect()];
    for (index, first) in nodes.iter().enumerate() {
        for second in &nodes[index + 1..] {
            alternatives.push(vec![Item::Node(*first, true), Item::Node(*second, true)]);
        }
    }
    alternatives
}
