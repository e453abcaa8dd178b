//! The question whether an object satisfies a set of literals: named keys first, then keys known by their class only.
//!
//! Invariant: "empty" only when a key that must be there has no value, a demand has no key, or the keys do not suffice.
//! Every way in which a new key can match the patterns is tried before there is said to be none.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::constant::Constant;
use super::node::{Atom, AtomId, NodeId, types};
use super::solve::{Answer, Goal, Item, Solver};

/// How many patterns keys may match together: a class of keys for each subset of them, 64 at most.
const PATTERNS: usize = 6;
/// How many keys a witness is filled up with: it is read by people.
const PADDING: usize = 500;
const CLASSES: &str = "too many classes of keys to decide";
const DEPENDENT: &str = "an object whose keys depend on each other";

/// A key that must be there: how it is found, and what its value must refute (or nothing, for a forbidden name).
struct Wanted {
    names: BTreeSet<String>,
    matches: Option<String>,
    avoids: BTreeSet<String>,
    key: Option<NodeId>,
    value: Option<NodeId>,
}

/// What the literals on an object add up to.
#[derive(Default)]
struct Demands {
    required: BTreeSet<String>,
    absent: BTreeSet<String>,
    refuted: Vec<(String, NodeId)>,
    props: Vec<(String, NodeId)>,
    patterns: Vec<(String, NodeId)>,
    additional: Vec<(BTreeSet<String>, BTreeSet<String>, NodeId)>,
    names: Vec<NodeId>,
    wanted: Vec<Wanted>,
    fewest: u64,
    most: Option<u64>,
    excluded: Vec<Constant>,
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
    fn add(&mut self, atom: Atom, holds: bool) -> bool {
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

    fn up_to(&mut self, most: u64) {
        self.most = Some(self.most.map_or(most, |now| now.min(most)));
    }

    /// What must hold for a key's value; none when it is not known which patterns the key matches.
    fn goal(&self, solver: &mut Solver, key: &str) -> Option<Goal> {
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
    fn allowed(&self, solver: &mut Solver, key: &str) -> Option<bool> {
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
    fn fill(&self, solver: &mut Solver, key: &str, besides: &[NodeId]) -> Answer<Value> {
        match self.allowed(solver, key) {
            Some(false) => return Answer::Empty,
            None => return Answer::Unknown(DEPENDENT),
            Some(true) => {}
        }
        let Some(mut goal) = self.goal(solver, key) else { return Answer::Unknown(DEPENDENT) };
        goal.extend(besides.iter().map(|node| (*node, false)));
        solver.value(goal)
    }

    fn build(&self, solver: &mut Solver) -> Answer<Value> {
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

impl Demands {
    /// Every key that a literal names.
    fn known(&self, solver: &Solver) -> BTreeSet<String> {
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
    fn meet(
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
    fn fresh(
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
    fn pad(
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
    const fn any() -> Self {
        Self { names: BTreeSet::new(), matches: None, avoids: BTreeSet::new(), key: None, value: None }
    }

    /// Whether a key is of the class.
    fn fits(&self, solver: &mut Solver, key: &str) -> Option<bool> {
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
