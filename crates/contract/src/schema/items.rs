//! What the literals on an array ask for.
//!
//! Invariant: each literal is taken in whole, or the answer says that it could not be.

use serde_json::Value;

use super::array::{Demands, UNDECIDED, size};
use super::node::{Atom, NodeId};
use super::solve::Answer;

impl Demands {
    pub(super) fn add(&mut self, atom: &Atom, holds: bool, group: usize) -> Result<(), Answer<Value>> {
        match (atom, holds) {
            (Atom::MinItems(least), true) => self.shortest = self.shortest.max(size(*least)),
            (Atom::MaxItems(most), false) => self.shortest = self.shortest.max(size(*most).saturating_add(1)),
            (Atom::MaxItems(most), true) => self.up_to(size(*most)),
            (Atom::MinItems(least), false) => match least.checked_sub(1) {
                Some(most) => self.up_to(size(most)),
                None => return Err(Answer::Empty),
            },
            (Atom::ItemAt(place, node), true) => self.at.push((*place, *node)),
            (Atom::ItemAt(place, node), false) => self.fixed.push((*place, (*node, false))),
            (Atom::ItemsFrom(place, node), true) => self.from.push((*place, *node, true)),
            (Atom::ItemsFrom(place, node), false) => self.some.push((*place, (*node, false), group)),
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

    pub(super) fn up_to(&mut self, most: usize) {
        self.longest = Some(self.longest.map_or(most, |longest| longest.min(most)));
    }

    pub(super) fn at_least(&mut self, node: NodeId, least: u64, group: usize) -> Result<(), Answer<Value>> {
        if least > 8 {
            return Err(Answer::Unknown(UNDECIDED));
        }
        self.some.extend((0..least).map(|_| (0, (node, true), group)));
        Ok(())
    }

    pub(super) fn no_more(&mut self, node: NodeId, most: u64) {
        if most == 0 {
            self.from.push((0, node, false));
        } else {
            self.at_most.push((node, most));
        }
    }
}
