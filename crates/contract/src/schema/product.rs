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
        product.place(automata.iter().map(|(automaton, _)| automaton.begin()).collect());
        product
    }

    /// How many places are known.
    pub(super) const fn size(&self) -> usize {
        self.places.len()
    }

    /// How many states of automata one look at the place passes through.
    pub(super) fn weight(&self, place: usize) -> usize {
        self.letters.len() * self.places[place].iter().map(|position| 4 + position.size()).sum::<usize>()
    }

    /// Whether a string that ends here is one; `empty` when nothing was read.
    pub(super) fn accepts(&self, place: usize, empty: bool) -> bool {
        if empty { self.ends(&self.places[place], true) } else { self.accepts[place] }
    }

    /// The place after the letter with this number, unless no string goes on from there.
    pub(super) fn step(&mut self, place: usize, letter: usize) -> Option<usize> {
        let edge = place * self.letters.len() + letter;
        if let Step::Unknown = self.steps[edge] {
            let (positions, letter) = (Rc::clone(&self.places[place]), self.letters[letter]);
            let pairs = self.automata.iter().zip(positions.iter());
            let next: Vec<Position> =
                pairs.map(|((automaton, _), position)| automaton.step(position, letter)).collect();
            let hopeless = self.automata.iter().zip(&next).any(|((_, wanted), position)| match position {
                Position::Matched => !wanted,
                Position::In(states) => *wanted && states.is_empty(),
            });
            self.steps[edge] = if hopeless { Step::Hopeless } else { Step::To(self.place(next)) };
        }
        match self.steps[edge] {
            Step::To(next) => Some(next),
            Step::Unknown | Step::Hopeless => None,
        }
    }

    fn place(&mut self, positions: Vec<Position>) -> usize {
        if let Some(place) = self.ids.get(positions.as_slice()) {
            return *place;
        }
        let (place, positions): (usize, Rc<[Position]>) = (self.places.len(), positions.into());
        self.accepts.push(self.ends(&positions, false));
        self.steps.resize(self.steps.len() + self.letters.len(), Step::Unknown);
        self.places.push(Rc::clone(&positions));
        self.ids.insert(positions, place);
        place
    }

    fn ends(&self, positions: &[Position], empty: bool) -> bool {
        let mut pairs = self.automata.iter().zip(positions);
        pairs.all(|((automaton, wanted), position)| automaton.accepts(position, empty) == *wanted)
    }
}
