//! The product of several automata, made only as far as a search walks through it.
//!
//! Invariant: a place is one combination of positions, and every step from it is worked out once.

use std::collections::HashMap;
use std::rc::Rc;

use super::pattern::{Automaton, Position};

/// Automata, each with whether it has to match.
pub(super) type Automata = [(Rc<Automaton>, bool)];

/// Steps that are not known yet, those that lead nowhere, and those that lead to a place.
#[derive(Clone, Copy)]
enum Step {
    Unknown,
    Hopeless,
    To(usize),
}

/// The product, over the letters that its automata tell apart.
pub(super) struct Product<'d> {
    automata: &'d Automata,
    letters: &'d [char],
    places: Vec<Rc<[Position]>>,
    ids: HashMap<Rc<[Position]>, usize>,
    steps: Vec<Step>,
    accepts: Vec<bool>,
}

impl<'d> Product<'d> {
    /// The product with its first place, which is 0.
    pub(super) fn new(automata: &'d Automata, letters: &'d [char]) -> Self {
        let (places, steps, accepts) = Default::default();
        let mut product = Self { automata, letters, places, ids: HashMap::new(), steps, accepts };
        product.index(automata.iter().map(|(automaton, _)| automaton.begin()).collect());
        product
    }

    /// How many places are known.
    pub(super) const fn size(&self) -> usize {
        self.places.len()
    }

    /// How many states of automata one look at the place passes through.
    pub(super) fn weight(&self, index: usize) -> usize {
        self.letters.len() * self.places[index].iter().map(|position| 4 + position.size()).sum::<usize>()
    }

    /// Whether a string that ends here is one; `empty` when nothing was read.
    pub(super) fn accepts(&self, index: usize, empty: bool) -> bool {
        if empty { self.ends(&self.places[index], true) } else { self.accepts[index] }
    }

    /// The place after the letter with this number, unless no string goes on from there.
    pub(super) fn step(&mut self, index: usize, letter: usize) -> Option<usize> {
        let edge = index * self.letters.len() + letter;
        if let Step::Unknown = self.steps[edge] {
            let (positions, letter) = (Rc::clone(&self.places[index]), self.letters[letter]);
            let pairs = self.automata.iter().zip(positions.iter());
            let next: Vec<Position> =
                pairs.map(|((automaton, _), position)| automaton.step(position, letter)).collect();
            let hopeless = self.automata.iter().zip(&next).any(|((_, wanted), position)| match position {
                Position::Matched => !wanted,
                Position::In(states) => *wanted && states.is_empty(),
            });
            self.steps[edge] = if hopeless { Step::Hopeless } else { Step::To(self.index(next)) };
        }
        match self.steps[edge] {
            Step::To(next) => Some(next),
            Step::Unknown | Step::Hopeless => None,
        }
    }

    fn index(&mut self, positions: Vec<Position>) -> usize {
        if let Some(index) = self.ids.get(positions.as_slice()) {
            return *index;
        }
        let (index, positions): (usize, Rc<[Position]>) = (self.places.len(), positions.into());
        self.accepts.push(self.ends(&positions, false));
        self.steps.resize(self.steps.len() + self.letters.len(), Step::Unknown);
        self.places.push(Rc::clone(&positions));
        self.ids.insert(positions, index);
        index
    }

    fn ends(&self, positions: &[Position], empty: bool) -> bool {
        let mut pairs = self.automata.iter().zip(positions);
        pairs.all(|((automaton, wanted), position)| automaton.accepts(position, empty) == *wanted)
    }
}
