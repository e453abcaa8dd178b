//! Is there a value that satisfies these nodes and refutes those? The answer carries the value.
//!
//! A goal is split by kind of value and by its disjunctions, the way SAT solvers do it: the part without choices is
//! solved first, and only choices that the value found does not satisfy are branched on. Invariant: "empty" is a
//! proof, "found" carries a value, and everything else, running out of steps too, is "unknown".
//!
//! A goal met again inside itself is taken as empty: the smallest value that satisfies it does not contain another
//! one. Answers that rest on such an assumption are not remembered.

use std::collections::HashMap;
use std::rc::Rc;

use serde_json::Value;

use super::node::{Atom, AtomId, FALSE, NodeId, Store, TRUE, types};
use super::pattern::Automaton;
use super::{array, number, object, text};

const DEPTH: usize = 150;
/// How many partial solutions one comparison may look at.
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

/// What an atom comes to for one kind of value.
enum Step {
    Holds,
    Fails,
    Literal,
    All(Vec<Item>),
    Choice(Vec<Vec<Item>>),
}

#[derive(Clone, Default)]
struct Branch {
    seen: HashMap<(bool, usize), bool>,
    literals: Vec<(AtomId, bool)>,
    choices: Vec<Vec<Vec<Item>>>,
}

/// The kinds of value, in the order in which a witness is looked for.
const KINDS: [u8; 6] =
    [types::STRING, types::WHOLE | types::FRACTION, types::BOOLEAN, types::OBJECT, types::ARRAY, types::NULL];

/// The solver with what it remembers.
#[derive(Debug)]
pub struct Solver {
    /// All nodes.
    pub store: Store,
    memo: HashMap<Goal, Answer<Value>>,
    active: HashMap<Goal, usize>,
    lowest: usize,
    steps: usize,
    spent: usize,
    automata: HashMap<String, Option<Rc<Automaton>>>,
    /// How deep an evaluation is, so that a schema that is its own part ends.
    pub nesting: usize,
    /// Validators of single formats and of patterns without an automaton.
    pub strings: HashMap<String, Option<Rc<jsonschema::Validator>>>,
}

impl Solver {
    /// A solver over no nodes yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            store: Store::default(),
            memo: HashMap::new(),
            active: HashMap::new(),
            lowest: usize::MAX,
            steps: STEPS,
            spent: 0,
            automata: HashMap::new(),
            nesting: 0,
            strings: HashMap::new(),
        }
    }

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
        let answer = self.by_kind(&goal);
        self.active.remove(&goal);
        let mine = self.lowest;
        let gave_up = self.steps == 0 && matches!(answer, Answer::Unknown(_));
        if mine >= depth && !gave_up || matches!(answer, Answer::Found(_)) {
            self.memo.insert(goal, answer.clone());
        }
        self.lowest = if mine < depth { outer.min(mine) } else { outer };
        answer
    }

    fn by_kind(&mut self, goal: &Goal) -> Answer<Value> {
        let mut unknown = None;
        for kind in KINDS {
            let todo = goal.iter().map(|(node, holds)| Item::Node(*node, *holds)).collect();
            match self.branch(kind, Branch::default(), todo) {
                Answer::Empty => {}
                Answer::Unknown(why) => unknown = unknown.or(Some(why)),
                found @ Answer::Found(_) => return found,
            }
        }
        unknown.map_or(Answer::Empty, Answer::Unknown)
    }

    fn branch(&mut self, kind: u8, mut branch: Branch, mut todo: Vec<Item>) -> Answer<Value> {
        loop {
            if !self.settle(kind, &mut branch, todo) {
                return Answer::Empty;
            }
            match self.simplify(kind, &mut branch) {
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
        let partial = self.theory(kind, &branch.literals);
        let mut open = Vec::new();
        for (place, choice) in branch.choices.iter().enumerate() {
            match &partial {
                Answer::Empty => return Answer::Empty,
                Answer::Found(value) if self.meets(value, choice) => {}
                _ => open.push((choice.len(), place)),
            }
        }
        let Some((_, place)) = open.into_iter().min() else { return partial };
        let choice = branch.choices.swap_remove(place);
        let mut unknown = None;
        for alternative in choice {
            match self.branch(kind, branch.clone(), alternative) {
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

    /// Works off what has no alternative; false on a contradiction.
    fn settle(&mut self, kind: u8, branch: &mut Branch, mut todo: Vec<Item>) -> bool {
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
                Item::Atom(atom, holds) => match self.expand(kind, atom, holds) {
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
    fn simplify(&mut self, kind: u8, branch: &mut Branch) -> Option<Vec<Item>> {
        let mut forced = Vec::new();
        let mut kept = Vec::new();
        for mut choice in std::mem::take(&mut branch.choices) {
            choice.retain(|items| !items.iter().any(|item| self.state(kind, branch, *item) == Some(false)));
            if choice
                .iter()
                .any(|items| items.iter().all(|item| self.state(kind, branch, *item) == Some(true)))
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
    fn state(&self, kind: u8, branch: &Branch, item: Item) -> Option<bool> {
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
            Item::Atom(atom, holds) => match self.expand(kind, atom, holds) {
                Step::Holds => Some(true),
                Step::Fails => Some(false),
                _ => None,
            },
            Item::Node(node, true) => self
                .store
                .atoms(node)
                .iter()
                .any(|atom| {
                    matches!(self.expand(kind, *atom, true), Step::Fails)
                        || branch.seen.get(&(false, *atom)) == Some(&false)
                })
                .then_some(false),
            Item::Node(node, false) => {
                let fails = |atom: &AtomId| {
                    matches!(self.expand(kind, *atom, false), Step::Fails)
                        || branch.seen.get(&(false, *atom)) == Some(&true)
                };
                self.store.atoms(node).iter().all(fails).then_some(false)
            }
        }
    }

    fn expand(&self, kind: u8, atom: AtomId, holds: bool) -> Step {
        let sure = |truth: bool| if truth == holds { Step::Holds } else { Step::Fails };
        let of = |wanted: u8| if kind & wanted == 0 { sure(true) } else { Step::Literal };
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
            Atom::Types(bits) if bits & kind == 0 => sure(false),
            Atom::Types(bits) if bits & kind == kind => sure(true),
            Atom::Types(_) | Atom::Opaque(_) => Step::Literal,
            Atom::Enum(values) => {
                if values.iter().any(|literal| kind_of(&literal.value) & kind != 0) {
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

    /// A value of one kind that satisfies literals, which hold no choices any more.
    fn theory(&mut self, kind: u8, literals: &[(AtomId, bool)]) -> Answer<Value> {
        let opaque =
            literals.iter().any(|(atom, _)| matches!(self.store.get(*atom), Atom::Opaque(_) | Atom::Ref(_)));
        let listed = literals.iter().find_map(|(atom, holds)| match self.store.get(*atom) {
            Atom::Enum(values) if *holds => Some(values.clone()),
            _ => None,
        });
        if let Some(values) = listed {
            let values =
                values.into_iter().map(|literal| literal.value).filter(|value| kind_of(value) & kind != 0);
            return self.first(values, literals);
        }
        let answer = match kind {
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

/// The bits of a value's kind.
#[must_use]
pub fn kind_of(value: &Value) -> u8 {
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

fn exactly_one(nodes: &[NodeId], holds: bool) -> Vec<Vec<Item>> {
    if holds {
        let only = |chosen: usize| {
            nodes.iter().enumerate().map(move |(place, node)| Item::Node(*node, place == chosen))
        };
        return (0..nodes.len()).map(|chosen| only(chosen).collect()).collect();
    }
    let mut alternatives = vec![nodes.iter().map(|node| Item::Node(*node, false)).collect()];
    for (place, first) in nodes.iter().enumerate() {
        for second in &nodes[place + 1..] {
            alternatives.push(vec![Item::Node(*first, true), Item::Node(*second, true)]);
        }
    }
    alternatives
}
