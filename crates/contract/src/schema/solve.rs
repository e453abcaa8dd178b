//! Is there a value that satisfies these nodes and refutes those? The answer carries the value.
//!
//! A goal is split by instance type and by its disjunctions, the way SAT solvers do it: the part without choices is
//! solved first, and only choices that the value found does not satisfy are branched on. Invariant: "empty" is a
//! proof, "found" carries a value, and everything else, running out of steps too, is "unknown".
//!
//! A goal met again inside itself is taken as empty: the smallest value that satisfies it does not contain another
//! one. Answers that rest on such an assumption are not remembered.

use std::collections::HashMap;
use std::rc::Rc;

use serde_json::Value;

use super::branch::Branch;
use super::node::{Atom, AtomId, FALSE, NodeId, Store, TRUE, types};
use super::pattern::Automaton;
use super::{array, number, object, text};

/// Goals one in another: JSON nests 127 levels.
const DEPTH: usize = 150;
/// How many partial solutions one question may look at; schemas of tools need some hundred. Once four questions have
/// used all of theirs, each further one has a fiftieth: a comparison asks thousands, and has to end.
const STEPS: usize = 10_000;

/// The answer to "is there one?".
#[derive(Clone, Debug, PartialEq)]
pub enum Answer<T> {
    /// There is none.
    Empty,
    /// There is this one.
    Found(T),
    /// Not decided, and why.
    Unknown(&'static str),
}

/// Nodes that must hold (true) or must not (false), sorted.
pub type Goal = Vec<(NodeId, bool)>;

/// A literal, a node or an atom, that must hold or not.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Item {
    /// A node.
    Node(NodeId, bool),
    /// An atom.
    Atom(AtomId, bool),
}

/// The instance types, in the order in which a witness is looked for.
const ORDER: [u8; 6] =
    [types::STRING, types::WHOLE | types::FRACTION, types::BOOLEAN, types::OBJECT, types::ARRAY, types::NULL];

/// The solver with what it remembers.
#[derive(Debug)]
pub struct Solver {
    /// All nodes.
    pub store: Store,
    memo: HashMap<Goal, Answer<Value>>,
    /// The goals that are being solved, and how deep each stands.
    active: HashMap<Goal, usize>,
    /// The depth of the outermost active goal that was met again and taken as empty: Tarjan's low-link.
    lowest: usize,
    /// What the question that is being answered has left.
    steps: usize,
    /// What all questions have used.
    spent: usize,
    automata: HashMap<String, Option<Rc<Automaton>>>,
    /// What is known of strings: that literals alone decide.
    pub(super) texts: HashMap<Vec<(AtomId, bool)>, Answer<Value>>,
    /// How deep an evaluation is, so that a schema that is its own part ends.
    pub nesting: usize,
    /// Validators of single formats and of patterns without an automaton.
    pub strings: HashMap<String, Option<Rc<jsonschema::Validator>>>,
}

impl Default for Solver {
    fn default() -> Self {
        Self {
            store: Store::default(),
            memo: HashMap::new(),
            active: HashMap::new(),
            lowest: usize::MAX,
            steps: STEPS,
            spent: 0,
            automata: HashMap::new(),
            texts: HashMap::new(),
            nesting: 0,
            strings: HashMap::new(),
        }
    }
}

impl Solver {
    /// Gives the next question its steps: fewer once all questions together have had theirs.
    pub const fn refill(&mut self) {
        self.steps = if self.spent < 4 * STEPS { STEPS } else { STEPS / 50 };
    }

    /// The automaton of a pattern, if it has one.
    pub fn automaton(&mut self, pattern: &str) -> Option<Rc<Automaton>> {
        if !self.automata.contains_key(pattern) {
            self.automata.insert(pattern.to_owned(), Automaton::new(pattern).map(Rc::new));
        }
        self.automata.get(pattern).cloned().flatten()
    }

    /// A value that satisfies the goal.
    pub fn value(&mut self, mut goal: Goal) -> Answer<Value> {
        goal.retain(|item| !matches!(item, (TRUE, true) | (FALSE, false)));
        goal.sort_unstable();
        goal.dedup();
        let contradiction = goal.windows(2).any(|pair| pair[0].0 == pair[1].0);
        if contradiction || goal.iter().any(|item| matches!(item, (TRUE, false) | (FALSE, true))) {
            return Answer::Empty;
        }
        if let Some(answer) = self.memo.get(&goal) {
            return answer.clone();
        }
        if let Some(depth) = self.active.get(&goal) {
            self.lowest = self.lowest.min(*depth);
            return Answer::Empty;
        }
        let depth = self.active.len();
        if depth > DEPTH {
            return Answer::Unknown("the schema nests too deeply to decide");
        }
        self.active.insert(goal.clone(), depth);
        let outer = std::mem::replace(&mut self.lowest, usize::MAX);
        let answer = self.by_type(&goal);
        self.active.remove(&goal);
        // An answer that rests on the emptiness of a goal further out holds only while that one is being solved: it is
        // not remembered, and the goal around has to know. One that rests on this very goal has just been proved, by
        // induction over the size of values; so has one that rests on none.
        let mine = self.lowest;
        let gave_up = self.steps == 0 && matches!(answer, Answer::Unknown(_));
        if mine >= depth && !gave_up || matches!(answer, Answer::Found(_)) {
            self.memo.insert(goal, answer.clone());
        }
        self.lowest = if mine < depth { outer.min(mine) } else { outer };
        answer
    }

    fn by_type(&mut self, goal: &Goal) -> Answer<Value> {
        let mut unknown = None;
        for instance in ORDER {
            let todo = goal.iter().map(|(node, holds)| Item::Node(*node, *holds)).collect();
            match self.branch(instance, Branch::default(), todo) {
                Answer::Empty => {}
                Answer::Unknown(why) => unknown = unknown.or(Some(why)),
                found @ Answer::Found(_) => return found,
            }
        }
        unknown.map_or(Answer::Empty, Answer::Unknown)
    }

    fn branch(&mut self, instance: u8, mut branch: Branch, mut todo: Vec<Item>) -> Answer<Value> {
        loop {
            if !self.settle(instance, &mut branch, todo) {
                return Answer::Empty;
            }
            match self.simplify(instance, &mut branch) {
                None => return Answer::Empty,
                Some(forced) if forced.is_empty() => break,
                Some(forced) => todo = forced,
            }
        }
        if self.steps == 0 {
            return Answer::Unknown("the schemas are too large to decide");
        }
        self.steps -= 1;
        self.spent += 1;
        let partial = self.theory(instance, &branch.literals);
        let mut open = Vec::new();
        for (index, choice) in branch.choices.iter().enumerate() {
            match &partial {
                Answer::Empty => return Answer::Empty,
                Answer::Found(value) if self.meets(value, choice) => {}
                _ => open.push((choice.len(), index)),
            }
        }
        let Some((_, index)) = open.into_iter().min() else { return partial };
        let choice = branch.choices.swap_remove(index);
        let mut unknown = None;
        for alternative in choice {
            match self.branch(instance, branch.clone(), alternative) {
                Answer::Empty => {}
                Answer::Unknown(why) => unknown = unknown.or(Some(why)),
                found @ Answer::Found(_) => return found,
            }
        }
        unknown.map_or(Answer::Empty, Answer::Unknown)
    }

    fn meets(&mut self, value: &Value, choice: &[Vec<Item>]) -> bool {
        choice.iter().any(|items| items.iter().all(|item| self.holds(value, *item) == Some(true)))
    }

    /// A value of one kind that satisfies literals, which hold no choices any more.
    fn theory(&mut self, instance: u8, literals: &[(AtomId, bool)]) -> Answer<Value> {
        let opaque =
            literals.iter().any(|(atom, _)| matches!(self.store.get(*atom), Atom::Opaque(_) | Atom::Ref(_)));
        let listed = literals.iter().find_map(|(atom, holds)| match self.store.get(*atom) {
            Atom::Enum(values) if *holds => Some(values.clone()),
            _ => None,
        });
        if let Some(values) = listed {
            let values = values
                .into_iter()
                .map(|literal| literal.value)
                .filter(|value| type_of(value) & instance != 0);
            return self.first(values, literals);
        }
        let answer = match instance {
            types::NULL => self.first([Value::Null], literals),
            types::BOOLEAN => self.first([Value::Bool(true), Value::Bool(false)], literals),
            types::STRING => text::solve(self, literals),
            types::ARRAY => array::solve(self, literals),
            types::OBJECT => object::solve(self, literals),
            _ => number::solve(self, literals),
        };
        match answer {
            Answer::Found(_) if opaque => {
                Answer::Unknown("a keyword or value that this program does not understand")
            }
            answer => answer,
        }
    }

    fn first(
        &mut self,
        values: impl IntoIterator<Item = Value>,
        literals: &[(AtomId, bool)],
    ) -> Answer<Value> {
        let mut answer = Answer::Empty;
        for value in values {
            match self.holds_all(&value, literals) {
                Some(true) => return Answer::Found(value),
                Some(false) => {}
                None => answer = Answer::Unknown("a keyword or value that this program does not understand"),
            }
        }
        answer
    }
}

/// The bits of a value's instance type.
#[must_use]
pub fn type_of(value: &Value) -> u8 {
    match value {
        Value::Null => types::NULL,
        Value::Bool(_) => types::BOOLEAN,
        Value::Number(number) if number.as_f64().is_some_and(|number| number.fract() != 0.0) => {
            types::FRACTION
        }
        Value::Number(_) => types::WHOLE,
        Value::String(_) => types::STRING,
        Value::Array(_) => types::ARRAY,
        Value::Object(_) => types::OBJECT,
    }
}
