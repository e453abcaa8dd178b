//! The question whether a string satisfies a set of literals: a search through the product of automata.
//!
//! Invariant: "empty" only when the product has no accepted string; formats and patterns without an automaton
//! can confirm a candidate, never prove that there is none.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::rc::Rc;

use serde_json::Value;

use super::node::{Atom, AtomId};
use super::pattern::{Automaton, Ranges, contains};
use super::product::{Automata, Product};
use super::solve::{Answer, Solver};

/// How many states of a product one search may remember. A bound on memory: patterns that need more are unknown.
const TRAIL: usize = 30_000;
/// The longest string that is looked for, since it is built.
const LONGEST: u64 = 1_000_000;
/// How many strings are offered to a format's validator before it is given up.
const CANDIDATES: usize = 12;
/// How many states of automata one search may pass through. A bound on time: patterns that need more are unknown.
const WORK: usize = 1_500_000;

/// Formats that a validator checks, with strings of each.
pub const FORMATS: &[(&str, &[&str])] = &[
    ("date", &["2024-01-31", "1999-12-01"]),
    ("date-time", &["2024-01-31T12:00:00Z", "1999-12-01T00:00:00+01:00"]),
    ("duration", &["P1D", "PT5M"]),
    ("email", &["a@example.com", "bob.b@example.org"]),
    ("hostname", &["example.com", "a"]),
    ("idn-email", &["a@example.com", "bob.b@example.org"]),
    ("idn-hostname", &["example.com", "a"]),
    ("ipv4", &["127.0.0.1", "10.0.0.2"]),
    ("ipv6", &["::1", "2001:db8::1"]),
    ("iri", &["https://example.com/a", "urn:a:b"]),
    ("iri-reference", &["https://example.com/a", "/a"]),
    ("json-pointer", &["/a", ""]),
    ("regex", &["^a$", "b"]),
    ("relative-json-pointer", &["0", "1/a"]),
    ("time", &["12:00:00Z", "23:59:59+01:00"]),
    ("uri", &["https://example.com/a", "urn:a:b"]),
    ("uri-reference", &["https://example.com/a", "/a"]),
    ("uri-template", &["/a/{b}", "/a"]),
    ("uuid", &["2eb8aa08-aa98-11ea-b4aa-73b441d16380"]),
];

/// What the literals on a string add up to.
struct Demands {
    shortest: u64,
    longest: Option<u64>,
    automata: Vec<(Rc<Automaton>, bool)>,
    confirm: bool,
}

/// A string that satisfies all literals: searched for once per set of literals, unless it has to be tried out.
pub fn solve(solver: &mut Solver, literals: &[(AtomId, bool)]) -> Answer<Value> {
    let mut key = literals.to_vec();
    key.sort_unstable();
    if let Some(answer) = solver.texts.get(&key) {
        return answer.clone();
    }
    let (answer, tried) = look(solver, literals);
    if !tried {
        solver.texts.insert(key, answer.clone());
    }
    answer
}

/// A string, and whether values had to be tried.
fn look(solver: &mut Solver, literals: &[(AtomId, bool)]) -> (Answer<Value>, bool) {
    let mut demands = Demands { shortest: 0, longest: None, automata: Vec::new(), confirm: false };
    let mut excluded = BTreeSet::new();
    for (atom, holds) in literals {
        match (&*solver.store.share(*atom), *holds) {
            (Atom::MinLength(length), true) => demands.shortest = demands.shortest.max(*length),
            (Atom::MaxLength(length), false) => {
                demands.shortest = demands.shortest.max(length.saturating_add(1));
            }
            (Atom::MaxLength(length), true) => demands.at_most(*length),
            (Atom::MinLength(length), false) => match length.checked_sub(1) {
                Some(length) => demands.at_most(length),
                None => return (Answer::Empty, false),
            },
            (Atom::Pattern(pattern), holds) => match solver.automaton(pattern) {
                Some(automaton) => demands.automata.push((automaton, holds)),
                None => demands.confirm = true,
            },
            (Atom::Enum(values), false) => {
                excluded
                    .extend(values.iter().filter_map(|literal| literal.value.as_str().map(str::to_owned)));
            }
            _ => demands.confirm = true,
        }
    }
    if demands.longest.is_some_and(|longest| longest < demands.shortest) {
        return (Answer::Empty, false);
    }
    if !excluded.is_empty() {
        match Automaton::of_strings(excluded.iter().map(String::as_str)) {
            Some(automaton) => demands.automata.push((Rc::new(automaton), false)),
            None => return (Answer::Unknown("too many values to exclude"), false),
        }
    }
    let (mut candidates, complete) = search(&demands, if demands.confirm { CANDIDATES } else { 1 });
    if candidates.is_empty() && complete {
        return (Answer::Empty, false);
    }
    if !demands.confirm {
        let unknown = Answer::Unknown("the patterns are too large to decide");
        return (candidates.pop().map_or(unknown, |text| Answer::Found(Value::String(text))), false);
    }
    candidates
        .extend(FORMATS.iter().flat_map(|(_, examples)| examples.iter().map(|text| (*text).to_owned())));
    for candidate in candidates {
        let value = Value::String(candidate);
        if solver.holds_all(&value, literals) == Some(true) {
            return (Answer::Found(value), true);
        }
    }
    (Answer::Unknown("a pattern or format that can only be tried, not decided"), true)
}

impl Demands {
    fn at_most(&mut self, length: u64) {
        self.longest = Some(self.longest.map_or(length, |longest| longest.min(length)));
    }
}

/// One character for each set of classes that behaves alike, the readable ones first.
fn alphabet(automata: &Automata) -> Vec<char> {
    let classes: Vec<&Ranges> = automata
        .iter()
        .flat_map(|(automaton, _)| automaton.classes())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let mut edges = BTreeSet::from(['a', 'A', '0', ' ', '-', '_', 'é']);
    for (first, last) in classes.iter().flat_map(|ranges| ranges.iter()) {
        edges.insert(*first);
        edges.extend((u32::from(*last) + 1..).take(1 + 0x800).find_map(char::from_u32));
    }
    let mut seen: HashSet<Vec<bool>> = HashSet::new();
    let mut letters: Vec<char> = edges.into_iter().collect();
    letters.sort_by_key(|letter| {
        let rank = match letter {
            'a'..='z' => 0,
            '0'..='9' => 1,
            'A'..='Z' => 2,
            '!'..='~' => 3,
            ' ' => 4,
            _ => 5,
        };
        (rank, *letter)
    });
    letters.retain(|letter| {
        let behaviour = classes.iter().map(|ranges| contains(ranges, *letter)).collect();
        seen.insert(behaviour)
    });
    letters
}

/// Up to `count` accepted strings, the shortest first, and whether the search saw all there is.
fn search(demands: &Demands, count: usize) -> (Vec<String>, bool) {
    if demands.automata.is_empty() {
        let Ok(length) = usize::try_from(demands.shortest.min(LONGEST + 1)) else {
            return (Vec::new(), false);
        };
        if demands.shortest > LONGEST {
            return (Vec::new(), false);
        }
        return (vec!["a".repeat(length)], true);
    }
    let letters = alphabet(&demands.automata);
    let mut product = Product::new(&demands.automata, &letters);
    let mut trail: Vec<(usize, char)> = vec![(0, ' ')];
    // Keys never fall along the queue: the last key that a place was seen with says whether it was seen with this one.
    let mut seen: Vec<Option<u64>> = vec![Some(0)];
    let mut queue: VecDeque<(usize, u64, usize, u64)> = VecDeque::from([(0, 0, 0, 0)]);
    let mut found = Vec::new();
    let mut work = 0;
    while let Some((index, key, end, length)) = queue.pop_front() {
        if length >= demands.shortest && product.accepts(index, length == 0) {
            found.push(spell(&trail, end));
            if found.len() == count {
                return (found, false);
            }
        }
        if demands.longest.is_some_and(|longest| length >= longest) {
            continue;
        }
        work += product.weight(index);
        if work > WORK {
            return (found, false);
        }
        let key = if demands.longest.is_some() { key + 1 } else { (key + 1).min(demands.shortest) };
        for (number, letter) in letters.iter().enumerate() {
            let Some(next) = product.step(index, number) else { continue };
            seen.resize(product.size(), None);
            if seen[next] == Some(key) {
                continue;
            }
            if trail.len() >= TRAIL {
                return (found, false);
            }
            seen[next] = Some(key);
            trail.push((end, *letter));
            queue.push_back((next, key, trail.len() - 1, length + 1));
        }
    }
    (found, true)
}

fn spell(trail: &[(usize, char)], mut index: usize) -> String {
    let mut letters = Vec::new();
    while index != 0 {
        letters.push(trail[index].1);
        index = trail[index].0;
    }
    letters.iter().rev().collect()
}
