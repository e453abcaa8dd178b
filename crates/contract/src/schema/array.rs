//! The question whether an array satisfies a set of literals: demands for an item are placed, then every place is solved.
//!
//! Invariant: "empty" only when every placement that could matter has a place that cannot be filled.
//! Each literal is taken in whole, or the answer says that it could not be.

use serde_json::Value;

use super::constant::Constant;
use super::node::{Atom, AtomId, NodeId};
use super::solve::{Answer, Goal, Item, Solver};

/// How many ways to place demands are tried. A bound on time: each asks a goal for every item.
const PLACEMENTS: usize = 600;
/// The longest witness that is built; a longer one would say no more, and take a goal for each of its items.
const LONGEST: usize = 2_000;
/// How often one schema may have to be met (`minContains`): each time is a demand of its own to be placed.
const OFTEN: u64 = 8;
const UNDECIDED: &str = "an array whose items depend on each other";

/// What the literals on an array add up to.
#[derive(Default)]
struct Demands {
    shortest: usize,
    longest: Option<usize>,
    at: Vec<(usize, NodeId)>,
    from: Vec<(usize, NodeId, bool)>,
    /// Items that must be somewhere: from which place on, what holds for them, and their group (members of one differ in place).
    some: Vec<(usize, (NodeId, bool), usize)>,
    fixed: Vec<(usize, (NodeId, bool))>,
    at_most: Vec<(NodeId, u64)>,
    unique: bool,
    repeated: bool,
    excluded: Vec<Constant>,
}

/// An array that satisfies all literals.
pub fn solve(solver: &mut Solver, literals: &[(AtomId, bool)]) -> Answer<Value> {
    let mut demands = Demands::default();
    for (group, (atom, holds)) in literals.iter().enumerate() {
        let atom = solver.store.get(*atom).clone();
        if let Err(answer) = demands.add(&atom, *holds, group) {
            return answer;
        }
    }
    if demands.longest.is_some_and(|longest| longest < demands.shortest) {
        return Answer::Empty;
    }
    let answer = demands.index(solver);
    if matches!(answer, Answer::Unknown(_)) && !demands.excluded.is_empty() {
        demands.shortest += 1;
        if demands.longest.is_none_or(|longest| longest >= demands.shortest)
            && let found @ Answer::Found(_) = demands.index(solver)
        {
            return found;
        }
    }
    answer
}

fn size(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

impl Demands {
    /// What holds for the item at a place wherever the demands go.
    fn goal(&self, index: usize) -> Goal {
        let at = self.at.iter().filter(|(there, _)| *there == index).map(|(_, node)| (*node, true));
        let from =
            self.from.iter().filter(|(from, ..)| *from <= index).map(|(_, node, holds)| (*node, *holds));
        let fixed = self.fixed.iter().filter(|(there, _)| *there == index).map(|(_, item)| *item);
        at.chain(from).chain(fixed).collect()
    }

    fn index(&self, solver: &mut Solver) -> Answer<Value> {
        let prefix =
            self.at.iter().map(|(index, _)| index + 1).chain(self.fixed.iter().map(|(index, _)| index + 1));
        let prefix = prefix.chain(self.from.iter().map(|(from, ..)| *from));
        let prefix = prefix.chain(self.some.iter().map(|(from, ..)| *from)).max().unwrap_or(0);
        let end = (prefix + self.some.len() + 2 * usize::from(self.repeated))
            .min(self.longest.unwrap_or(usize::MAX));
        let pairs: Vec<Option<(usize, usize)>> = if self.repeated {
            (0..end).flat_map(|second| (0..second).map(move |first| Some((first, second)))).collect()
        } else {
            vec![None]
        };
        let mut unknown = None;
        let mut tried = 0;
        for pair in pairs {
            let mut spots: Vec<usize> = self.some.iter().map(|(from, ..)| *from).collect();
            loop {
                tried += 1;
                if tried > PLACEMENTS {
                    return Answer::Unknown(UNDECIDED);
                }
                let fits = spots.iter().all(|spot| *spot < end) && self.groups_differ(&spots);
                if fits {
                    match self.fill(solver, &spots, pair) {
                        Answer::Empty => {}
                        Answer::Unknown(why) => unknown = unknown.or(Some(why)),
                        found @ Answer::Found(_) => return found,
                    }
                }
                if !self.advance(&mut spots, end) {
                    break;
                }
            }
        }
        unknown.map_or(Answer::Empty, Answer::Unknown)
    }

    fn groups_differ(&self, spots: &[usize]) -> bool {
        let mut taken: Vec<_> =
            self.some.iter().zip(spots).map(|((_, _, group), spot)| (*group, *spot)).collect();
        taken.sort_unstable();
        taken.windows(2).all(|pair| pair[0] != pair[1])
    }

    /// The next placement, as an odometer counts; members of a group keep their order.
    fn advance(&self, spots: &mut [usize], end: usize) -> bool {
        for (spot, (from, ..)) in spots.iter_mut().zip(&self.some) {
            if *spot + 1 < end {
                *spot += 1;
                return true;
            }
            *spot = *from;
        }
        false
    }

    fn fill(&self, solver: &mut Solver, spots: &[usize], pair: Option<(usize, usize)>) -> Answer<Value> {
        let last = spots
            .iter()
            .copied()
            .chain(self.fixed.iter().map(|(index, _)| *index))
            .chain(pair.map(|pair| pair.1))
            .max();
        let length = self.shortest.max(last.map_or(0, |last| last + 1));
        if self.longest.is_some_and(|longest| length > longest) {
            return Answer::Empty;
        }
        if length > LONGEST {
            return Answer::Unknown("an array too long to build");
        }
        let mut items: Vec<Value> = Vec::with_capacity(length);
        let mut unknown = None;
        for index in 0..length {
            let mut goal = self.goal(index);
            goal.extend(
                self.some
                    .iter()
                    .zip(spots)
                    .filter(|(_, spot)| **spot == index)
                    .map(|((_, item, _), _)| *item),
            );
            if let Some((first, second)) = pair {
                if index == second {
                    items.push(items[first].clone());
                    continue;
                }
                if index == first {
                    goal.extend(self.goal(second));
                    goal.extend(
                        self.some
                            .iter()
                            .zip(spots)
                            .filter(|(_, spot)| **spot == second)
                            .map(|((_, item, _), _)| *item),
                    );
                }
            }
            match self.item(solver, &goal, &items) {
                Answer::Empty => return Answer::Empty,
                Answer::Unknown(why) => {
                    unknown = Some(why);
                    items.push(Value::Null);
                }
                Answer::Found(value) => items.push(value),
            }
        }
        if let Some(why) = unknown {
            return Answer::Unknown(why);
        }
        self.confirm(solver, items)
    }

    /// An item for the goal, if possible one that no other demand counts and that is not there yet.
    fn item(&self, solver: &mut Solver, goal: &Goal, items: &[Value]) -> Answer<Value> {
        let mut careful = goal.clone();
        careful.extend(self.at_most.iter().map(|(node, _)| (*node, false)));
        if self.unique && !items.is_empty() {
            let there = solver.store.one(Atom::Enum(items.iter().map(Constant::new).collect()));
            careful.push((there, false));
        }
        if careful.len() > goal.len()
            && let found @ Answer::Found(_) = solver.value(careful)
        {
            return found;
        }
        solver.value(goal.clone())
    }

    fn confirm(&self, solver: &mut Solver, items: Vec<Value>) -> Answer<Value> {
        let value = Value::Array(items);
        let list: &[Value] = value.as_array().map_or(&[], Vec::as_slice);
        for (node, most) in &self.at_most {
            let held = list.iter().map(|item| solver.holds(item, Item::Node(*node, true)));
            let count =
                held.collect::<Option<Vec<bool>>>().map(|held| held.into_iter().filter(|held| *held).count());
            if count.is_none_or(|count| count as u64 > *most) {
                return Answer::Unknown(UNDECIDED);
            }
        }
        let mut seen: Vec<Constant> = list.iter().map(Constant::new).collect();
        seen.sort();
        let distinct = seen.windows(2).all(|pair| pair[0] != pair[1]);
        if self.unique && !distinct || self.excluded.contains(&Constant::new(&value)) {
            return Answer::Unknown(UNDECIDED);
        }
        Answer::Found(value)
    }
}

impl Demands {
    fn add(&mut self, atom: &Atom, holds: bool, group: usize) -> Result<(), Answer<Value>> {
        match (atom, holds) {
            (Atom::MinItems(least), true) => self.shortest = self.shortest.max(size(*least)),
            (Atom::MaxItems(most), false) => self.shortest = self.shortest.max(size(*most).saturating_add(1)),
            (Atom::MaxItems(most), true) => self.up_to(size(*most)),
            (Atom::MinItems(least), false) => match least.checked_sub(1) {
                Some(most) => self.up_to(size(most)),
                None => return Err(Answer::Empty),
            },
            (Atom::ItemAt(index, node), true) => self.at.push((*index, *node)),
            (Atom::ItemAt(index, node), false) => self.fixed.push((*index, (*node, false))),
            (Atom::ItemsFrom(index, node), true) => self.from.push((*index, *node, true)),
            (Atom::ItemsFrom(index, node), false) => self.some.push((*index, (*node, false), group)),
            (Atom::CountMin(node, least), true) => self.at_least(*node, *least, group)?,
            (Atom::CountMax(node, most), false) => self.at_least(*node, most.saturating_add(1), group)?,
            (Atom::CountMax(node, most), true) => self.no_more(*node, *most),
            (Atom::CountMin(node, least), false) => match least.checked_sub(1) {
                Some(most) => self.no_more(*node, most),
                None => return Err(Answer::Empty),
            },
            (Atom::Unique, true) => self.unique = true,
            (Atom::Unique, false) => self.repeated = true,
            (Atom::Enum(values), false) => self.excluded.extend(values.iter().cloned()),
            _ => {}
        }
        Ok(())
    }

    fn up_to(&mut self, most: usize) {
        self.longest = Some(self.longest.map_or(most, |longest| longest.min(most)));
    }

    fn at_least(&mut self, node: NodeId, least: u64, group: usize) -> Result<(), Answer<Value>> {
        if least > OFTEN {
            return Err(Answer::Unknown(UNDECIDED));
        }
        self.some.extend((0..least).map(|_| (0, (node, true), group)));
        Ok(())
    }

    fn no_more(&mut self, node: NodeId, most: u64) {
        if most == 0 {
            self.from.push((0, node, false));
        } else {
            self.at_most.push((node, most));
        }
    }
}
