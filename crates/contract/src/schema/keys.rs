//! Keys that are known by their class only: those that a demand asks for, and those that fill up.
//!
//! Invariant: every way in which a new key can match the patterns is tried before there is said to be none.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::constant::Constant;
use super::node::{Atom, NodeId, types};
use super::object::{DEPENDENT, Demands, Wanted};
use super::solve::{Answer, Goal, Item, Solver};

const PATTERNS: usize = 6;
const PADDING: usize = 500;
const CLASSES: &str = "too many classes of keys to decide";

impl Demands {
    /// Every key that a literal names.
    pub(super) fn known(&self, solver: &Solver) -> BTreeSet<String> {
        let mut known: BTreeSet<String> = self.required.union(&self.absent).cloned().collect();
        known.extend(self.props.iter().map(|(key, _)| key.clone()));
        known.extend(self.additional.iter().flat_map(|(names, ..)| names.iter().cloned()));
        known.extend(self.wanted.iter().flat_map(|wanted| wanted.names.iter().cloned()));
        let named = self.names.iter().copied().chain(self.wanted.iter().filter_map(|wanted| wanted.key));
        for atom in named.flat_map(|node| solver.store.atoms(node)) {
            if let Atom::Enum(values) = solver.store.get(*atom) {
                known.extend(values.iter().filter_map(|literal| literal.value.as_str().map(str::to_owned)));
            }
        }
        known
    }

    /// A key, and a value for it, that meet a demand.
    pub(super) fn meet(
        &self,
        solver: &mut Solver,
        wanted: &Wanted,
        known: &BTreeSet<String>,
        full: bool,
        besides: &BTreeMap<String, Vec<NodeId>>,
    ) -> Answer<(String, Value)> {
        let mut unknown = None;
        for key in known.iter().filter(|key| !full || self.required.contains(*key)) {
            match wanted.fits(solver, key) {
                Some(false) => continue,
                Some(true) => {}
                None => {
                    unknown = Some(DEPENDENT);
                    continue;
                }
            }
            let refuted: Vec<NodeId> =
                besides.get(key).into_iter().flatten().copied().chain(wanted.value).collect();
            match self.fill(solver, key, &refuted) {
                Answer::Empty => {}
                Answer::Unknown(why) => unknown = Some(why),
                Answer::Found(value) => return Answer::Found((key.clone(), value)),
            }
        }
        if !full {
            let taken: BTreeSet<String> = known.iter().chain(besides.keys()).cloned().collect();
            match self.fresh(solver, Some(wanted), &taken) {
                Answer::Empty => {}
                Answer::Unknown(why) => unknown = Some(why),
                found @ Answer::Found(_) => return found,
            }
        }
        unknown.map_or(Answer::Empty, Answer::Unknown)
    }

    /// A key that no literal names, with a value: every way in which keys can match the patterns is tried.
    pub(super) fn fresh(
        &self,
        solver: &mut Solver,
        wanted: Option<&Wanted>,
        taken: &BTreeSet<String>,
    ) -> Answer<(String, Value)> {
        let mut patterns: BTreeSet<&String> = self.patterns.iter().map(|(pattern, _)| pattern).collect();
        patterns.extend(self.additional.iter().flat_map(|(_, patterns, _)| patterns));
        if patterns.len() > PATTERNS {
            return Answer::Unknown(CLASSES);
        }
        let text = solver.store.one(Atom::Types(types::STRING));
        let taken = solver
            .store
            .one(Atom::Enum(taken.iter().map(|key| Constant::new(&Value::from(key.as_str()))).collect()));
        let mut base: Goal = vec![(text, true), (taken, false)];
        base.extend(self.names.iter().map(|node| (*node, true)));
        if let Some(wanted) = wanted {
            base.extend(wanted.key.map(|node| (node, false)));
            for (pattern, holds) in
                wanted.matches.iter().map(|p| (p, true)).chain(wanted.avoids.iter().map(|p| (p, false)))
            {
                base.push((solver.store.one(Atom::Pattern(pattern.clone())), holds));
            }
        }
        let mut unknown = None;
        for signs in 0..1_usize << patterns.len() {
            let mut goal = base.clone();
            for (bit, pattern) in patterns.iter().enumerate() {
                goal.push((solver.store.one(Atom::Pattern((*pattern).clone())), signs >> bit & 1 == 1));
            }
            let key = match solver.value(goal) {
                Answer::Found(Value::String(key)) => key,
                Answer::Found(_) | Answer::Empty => continue,
                Answer::Unknown(why) => {
                    unknown = Some(why);
                    continue;
                }
            };
            let refuted: Vec<NodeId> = wanted.and_then(|wanted| wanted.value).into_iter().collect();
            match self.fill(solver, &key, &refuted) {
                Answer::Empty => {}
                Answer::Unknown(why) => unknown = Some(why),
                Answer::Found(value) => return Answer::Found((key, value)),
            }
        }
        unknown.map_or(Answer::Empty, Answer::Unknown)
    }

    /// Adds keys until there are enough.
    pub(super) fn pad(
        &self,
        solver: &mut Solver,
        mut object: BTreeMap<String, Value>,
        known: &BTreeSet<String>,
    ) -> Answer<Value> {
        let mut unknown = (self.fewest > PADDING as u64).then_some("an object too large to build");
        for key in known {
            if object.len() as u64 >= self.fewest || unknown.is_some() {
                break;
            }
            if object.contains_key(key) {
                continue;
            }
            match self.fill(solver, key, &[]) {
                Answer::Empty => {}
                Answer::Unknown(why) => unknown = Some(why),
                Answer::Found(value) => {
                    object.insert(key.clone(), value);
                }
            }
        }
        while (object.len() as u64) < self.fewest && unknown.is_none() {
            let taken = known.iter().chain(object.keys()).cloned().collect();
            match self.fresh(solver, None, &taken) {
                // A demand may have taken a key that another could have shared: only without any is this a proof.
                Answer::Empty if self.wanted.is_empty() => return Answer::Empty,
                Answer::Empty => unknown = Some(DEPENDENT),
                Answer::Unknown(why) => unknown = Some(why),
                Answer::Found((key, value)) => {
                    object.insert(key, value);
                }
            }
        }
        unknown
            .map_or_else(|| Answer::Found(object.into_iter().collect::<Map<_, _>>().into()), Answer::Unknown)
    }
}

impl Wanted {
    pub(super) const fn any() -> Self {
        Self { names: BTreeSet::new(), matches: None, avoids: BTreeSet::new(), key: None, value: None }
    }

    /// Whether a key is of the class.
    pub(super) fn fits(&self, solver: &mut Solver, key: &str) -> Option<bool> {
        if self.names.contains(key) {
            return Some(false);
        }
        for (pattern, holds) in
            self.matches.iter().map(|p| (p, true)).chain(self.avoids.iter().map(|p| (p, false)))
        {
            if solver.matches(pattern, key)? != holds {
                return Some(false);
            }
        }
        match self.key {
            Some(node) => solver.holds(&Value::String(key.to_owned()), Item::Node(node, false)),
            None => Some(true),
        }
    }
}
