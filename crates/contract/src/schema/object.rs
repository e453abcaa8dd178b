//! The question whether an object satisfies a set of literals: named keys first, then keys known by their class only.
//!
//! Invariant: "empty" only when a key that must be there has no value, a demand has no key, or the keys do not suffice.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::constant::Constant;
use super::node::{Atom, AtomId, NodeId};
use super::solve::{Answer, Goal, Item, Solver};

pub(super) const DEPENDENT: &str = "an object whose keys depend on each other";

/// A key that must be there: how it is found, and what its value must refute (or nothing, for a forbidden name).
pub(super) struct Wanted {
    pub(super) names: BTreeSet<String>,
    pub(super) matches: Option<String>,
    pub(super) avoids: BTreeSet<String>,
    pub(super) key: Option<NodeId>,
    pub(super) value: Option<NodeId>,
}

/// What the literals on an object add up to.
#[derive(Default)]
pub(super) struct Demands {
    pub(super) required: BTreeSet<String>,
    pub(super) absent: BTreeSet<String>,
    pub(super) refuted: Vec<(String, NodeId)>,
    pub(super) props: Vec<(String, NodeId)>,
    pub(super) patterns: Vec<(String, NodeId)>,
    pub(super) additional: Vec<(BTreeSet<String>, BTreeSet<String>, NodeId)>,
    pub(super) names: Vec<NodeId>,
    pub(super) wanted: Vec<Wanted>,
    pub(super) fewest: u64,
    pub(super) most: Option<u64>,
    pub(super) excluded: Vec<Constant>,
}

/// An object that satisfies all literals.
pub fn solve(solver: &mut Solver, literals: &[(AtomId, bool)]) -> Answer<Value> {
    let mut demands = Demands::default();
    for (atom, holds) in literals {
        let atom = solver.store.get(*atom).clone();
        if !demands.add(atom, *holds) {
            return Answer::Empty;
        }
    }
    let few = demands.most.is_some_and(|most| most < demands.fewest.max(demands.required.len() as u64));
    if few || demands.required.intersection(&demands.absent).next().is_some() {
        return Answer::Empty;
    }
    let answer = demands.build(solver);
    let Answer::Found(value) = &answer else { return answer };
    if !demands.excluded.contains(&Constant::new(value)) {
        return answer;
    }
    demands.fewest = value.as_object().map_or(0, Map::len) as u64 + 1;
    match demands.build(solver) {
        found @ Answer::Found(_) if demands.most.is_none_or(|most| most >= demands.fewest) => found,
        _ => Answer::Unknown(DEPENDENT),
    }
}

impl Demands {
    /// Takes in a literal; false when no object satisfies it.
    pub(super) fn add(&mut self, atom: Atom, holds: bool) -> bool {
        match (atom, holds) {
            (Atom::Required(key), true) => {
                self.required.insert(key);
            }
            (Atom::Required(key), false) => {
                self.absent.insert(key);
            }
            (Atom::Prop(key, node), true) => self.props.push((key, node)),
            (Atom::Prop(key, node), false) => {
                self.required.insert(key.clone());
                self.refuted.push((key, node));
            }
            (Atom::PatternProp(pattern, node), true) => self.patterns.push((pattern, node)),
            (Atom::PatternProp(pattern, node), false) => {
                self.wanted.push(Wanted { matches: Some(pattern), value: Some(node), ..Wanted::any() });
            }
            (Atom::Additional(names, patterns, node), true) => self.additional.push((names, patterns, node)),
            (Atom::Additional(names, avoids, node), false) => {
                self.wanted.push(Wanted { names, avoids, value: Some(node), ..Wanted::any() });
            }
            (Atom::Names(node), true) => self.names.push(node),
            (Atom::Names(node), false) => self.wanted.push(Wanted { key: Some(node), ..Wanted::any() }),
            (Atom::MinKeys(least), true) => self.fewest = self.fewest.max(least),
            (Atom::MaxKeys(most), false) => self.fewest = self.fewest.max(most.saturating_add(1)),
            (Atom::MaxKeys(most), true) => self.up_to(most),
            (Atom::MinKeys(least), false) => match least.checked_sub(1) {
                Some(most) => self.up_to(most),
                None => return false,
            },
            (Atom::Enum(values), false) => self.excluded.extend(values),
            _ => {}
        }
        true
    }

    pub(super) fn up_to(&mut self, most: u64) {
        self.most = Some(self.most.map_or(most, |now| now.min(most)));
    }

    /// What must hold for a key's value; none when it is not known which patterns the key matches.
    pub(super) fn goal(&self, solver: &mut Solver, key: &str) -> Option<Goal> {
        let mut goal: Goal =
            self.props.iter().filter(|(name, _)| name == key).map(|(_, node)| (*node, true)).collect();
        goal.extend(self.refuted.iter().filter(|(name, _)| name == key).map(|(_, node)| (*node, false)));
        for (pattern, node) in &self.patterns {
            if solver.matches(pattern, key)? {
                goal.push((*node, true));
            }
        }
        for (names, patterns, node) in &self.additional {
            let mut other = !names.contains(key);
            for pattern in patterns {
                other = other && !solver.matches(pattern, key)?;
            }
            if other {
                goal.push((*node, true));
            }
        }
        Some(goal)
    }

    /// Whether the key itself is allowed.
    pub(super) fn allowed(&self, solver: &mut Solver, key: &str) -> Option<bool> {
        if self.absent.contains(key) {
            return Some(false);
        }
        let text = Value::String(key.to_owned());
        let mut answer = Some(true);
        for node in &self.names {
            match solver.holds(&text, Item::Node(*node, true)) {
                Some(false) => return Some(false),
                Some(true) => {}
                None => answer = None,
            }
        }
        answer
    }

    /// A value for the key, with what it must refute besides.
    pub(super) fn fill(&self, solver: &mut Solver, key: &str, besides: &[NodeId]) -> Answer<Value> {
        match self.allowed(solver, key) {
            Some(false) => return Answer::Empty,
            None => return Answer::Unknown(DEPENDENT),
            Some(true) => {}
        }
        let Some(mut goal) = self.goal(solver, key) else { return Answer::Unknown(DEPENDENT) };
        goal.extend(besides.iter().map(|node| (*node, false)));
        solver.value(goal)
    }

    pub(super) fn build(&self, solver: &mut Solver) -> Answer<Value> {
        let mut unknown = None;
        let mut object = BTreeMap::new();
        let mut besides: BTreeMap<String, Vec<NodeId>> = BTreeMap::new();
        for key in &self.required {
            match self.fill(solver, key, &[]) {
                Answer::Empty => return Answer::Empty,
                Answer::Unknown(why) => unknown = Some(why),
                Answer::Found(value) => {
                    object.insert(key.clone(), value);
                }
            }
        }
        let full = self.most.is_some_and(|most| self.required.len() as u64 >= most);
        let known = self.known(solver);
        for wanted in &self.wanted {
            match self.meet(solver, wanted, &known, full, &besides) {
                Answer::Empty if besides.is_empty() => return Answer::Empty,
                Answer::Empty => unknown = Some(DEPENDENT),
                Answer::Unknown(why) => unknown = Some(why),
                Answer::Found((key, value)) => {
                    besides.entry(key.clone()).or_default().extend(wanted.value);
                    object.insert(key, value);
                }
            }
        }
        if let Some(why) = unknown {
            return Answer::Unknown(why);
        }
        if self.most.is_some_and(|most| object.len() as u64 > most) {
            return Answer::Unknown(DEPENDENT);
        }
        self.pad(solver, object, &known)
    }
}
