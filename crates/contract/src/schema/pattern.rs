//! Regular expressions as automata, so that "is there a string that matches these and not those" is decidable.
//!
//! Invariant: the automaton means what ECMA-262 means; what it cannot express (look-around, back references,
//! word boundaries) has no automaton.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind, Look};

use super::ecma;

/// The states of one pattern's automaton: `.{1000}` has some thousand; a nest of counters has millions.
const STATES: usize = 20_000;

/// Ranges of characters, both ends included.
pub type Ranges = Vec<(char, char)>;

#[derive(Clone, Debug)]
enum State {
    Split(Vec<usize>),
    Read(Ranges, usize),
    AtStart(usize),
    AtEnd(usize),
    Match,
}

/// The automaton of one pattern, searching as `pattern` does: anywhere in the string.
#[derive(Clone, Debug)]
pub struct Automaton {
    states: Vec<State>,
    start: usize,
}

/// Where an automaton stands after some characters.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Position {
    /// It has matched: whatever follows, it matches.
    Matched,
    /// The states it may be in.
    In(Vec<usize>),
}

impl Position {
    /// How many states it may be in.
    #[must_use]
    pub const fn size(&self) -> usize {
        match self {
            Self::Matched => 0,
            Self::In(states) => states.len(),
        }
    }
}

impl Automaton {
    /// The automaton of a pattern, if it has one of bounded size.
    #[must_use]
    pub fn new(pattern: &str) -> Option<Self> {
        let hir = ParserBuilder::new().nest_limit(100).build().parse(&ecma::translate(pattern)?).ok()?;
        let mut automaton = Self { states: vec![State::Match], start: 0 };
        let body = automaton.add(&hir, 0)?;
        let start = automaton.push(State::Split(vec![body]))?;
        let any = automaton.push(State::Read(vec![('\0', char::MAX)], start))?;
        automaton.states[start] = State::Split(vec![body, any]);
        automaton.start = start;
        Some(automaton)
    }

    /// The automaton that accepts exactly these strings.
    #[must_use]
    pub fn of_strings<'a>(strings: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut automaton = Self { states: vec![State::Match], start: 0 };
        let mut starts = Vec::new();
        for text in strings {
            let mut next = automaton.push(State::AtEnd(0))?;
            for letter in text.chars().rev() {
                next = automaton.push(State::Read(vec![(letter, letter)], next))?;
            }
            starts.push(next);
        }
        automaton.start = automaton.push(State::Split(starts))?;
        Some(automaton)
    }

    fn push(&mut self, state: State) -> Option<usize> {
        self.states.push(state);
        (self.states.len() < STATES).then_some(self.states.len() - 1)
    }

    /// Adds the states of `hir`, which go on to `next`; returns their entry.
    fn add(&mut self, hir: &Hir, next: usize) -> Option<usize> {
        match hir.kind() {
            HirKind::Empty => Some(next),
            HirKind::Literal(literal) => {
                let text = std::str::from_utf8(&literal.0).ok()?;
                text.chars()
                    .rev()
                    .try_fold(next, |next, letter| self.push(State::Read(vec![(letter, letter)], next)))
            }
            HirKind::Class(Class::Unicode(class)) => {
                let ranges = class.ranges().iter().map(|range| (range.start(), range.end())).collect();
                self.push(State::Read(ranges, next))
            }
            HirKind::Class(Class::Bytes(class)) => {
                let ranges =
                    class.ranges().iter().map(|range| (char::from(range.start()), char::from(range.end())));
                let ranges: Ranges = ranges.collect();
                if ranges.iter().any(|range| !range.1.is_ascii()) {
                    return None;
                }
                self.push(State::Read(ranges, next))
            }
            HirKind::Look(Look::Start) => self.push(State::AtStart(next)),
            HirKind::Look(Look::End) => self.push(State::AtEnd(next)),
            HirKind::Look(_) => None,
            HirKind::Capture(capture) => self.add(&capture.sub, next),
            HirKind::Concat(parts) => parts.iter().rev().try_fold(next, |next, part| self.add(part, next)),
            HirKind::Alternation(parts) => {
                let entries = parts.iter().map(|part| self.add(part, next)).collect::<Option<Vec<_>>>()?;
                self.push(State::Split(entries))
            }
            HirKind::Repetition(repetition) => {
                let mut entry = next;
                match repetition.max {
                    None => {
                        let turn = self.push(State::Split(vec![next]))?;
                        let body = self.add(&repetition.sub, turn)?;
                        self.states[turn] = State::Split(vec![body, next]);
                        entry = turn;
                    }
                    Some(max) => {
                        for _ in repetition.min..max {
                            let body = self.add(&repetition.sub, entry)?;
                            entry = self.push(State::Split(vec![body, next]))?;
                        }
                    }
                }
                (0..repetition.min).try_fold(entry, |entry, _| self.add(&repetition.sub, entry))
            }
        }
    }

    /// Where it stands before the first character.
    #[must_use]
    pub fn begin(&self) -> Position {
        self.closure(std::iter::once(self.start), true, false)
    }

    /// Where it stands after one more character.
    #[must_use]
    pub fn step(&self, position: &Position, letter: char) -> Position {
        let Position::In(states) = position else { return Position::Matched };
        let next = states.iter().filter_map(|state| match &self.states[*state] {
            State::Read(ranges, next) if contains(ranges, letter) => Some(*next),
            _ => None,
        });
        self.closure(next, false, false)
    }

    /// Whether it matches when the string ends here; `empty` when nothing was read.
    #[must_use]
    pub fn accepts(&self, position: &Position, empty: bool) -> bool {
        match position {
            Position::Matched => true,
            Position::In(states) => self.closure(states.iter().copied(), empty, true) == Position::Matched,
        }
    }

    /// Whether the whole string matches.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        let mut position = self.begin();
        let mut still = None;
        for letter in text.chars() {
            // A letter that has led back to the same states does so again.
            if still == Some(letter) {
                continue;
            }
            let next = self.step(&position, letter);
            still = (next == position).then_some(letter);
            position = next;
        }
        self.accepts(&position, text.is_empty())
    }

    fn closure(&self, from: impl Iterator<Item = usize>, at_start: bool, at_end: bool) -> Position {
        let mut todo: Vec<usize> = from.collect();
        let mut seen = vec![false; self.states.len()];
        let mut stay = Vec::new();
        while let Some(state) = todo.pop() {
            if std::mem::replace(&mut seen[state], true) {
                continue;
            }
            match &self.states[state] {
                State::Match => return Position::Matched,
                State::Split(next) => todo.extend(next),
                State::AtStart(next) if at_start => todo.push(*next),
                State::AtEnd(next) if at_end => todo.push(*next),
                State::AtStart(_) => {}
                State::AtEnd(_) | State::Read(..) => stay.push(state),
            }
        }
        stay.sort_unstable();
        Position::In(stay)
    }

    /// The classes of characters that it tells apart.
    pub fn classes(&self) -> impl Iterator<Item = &Ranges> {
        self.states.iter().filter_map(|state| match state {
            State::Read(ranges, _) => Some(ranges),
            _ => None,
        })
    }
}

/// Whether the character is in one of the ranges, which are sorted.
#[must_use]
pub fn contains(ranges: &[(char, char)], letter: char) -> bool {
    let after = ranges.partition_point(|range| range.0 <= letter);
    after > 0 && letter <= ranges[after - 1].1
}
