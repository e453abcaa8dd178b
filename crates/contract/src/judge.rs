//! The verdict on two schemas: the walk names the differences, containment of the whole has the last word.
//!
//! Invariant: when the whole is not proved to fit, some change says so; when it is, only a removed property (which
//! an open object would accept by the letter) can still be breaking.

use serde_json::Value;

use super::change::Change;
use super::rules::{self, Direction, Rule, Verdict};
use super::schema::node::NodeId;
use super::schema::{Containment, Pair, Side, TooLarge};
use super::walk::{Edit, Walk};

/// How many changes of a schema are shown by a value: each is a question of its own to the solver.
const WITNESSES: usize = 20;

/// The changes between two schemas of the contract `name`, whose schema lies at `pointer`.
#[must_use]
pub fn schemas(old: &Value, new: &Value, direction: Direction, name: &str, pointer: &str) -> Vec<Change> {
    if old == new {
        return Vec::new();
    }
    match judge(old, new, direction) {
        Ok(edits) => edits.into_iter().map(|(edit, witness)| change(&edit, witness, name, pointer)).collect(),
        Err(TooLarge(why)) => {
            vec![Change::new(direction.unproved(), name, pointer).noting(format!("{why}."))]
        }
    }
}

fn change(edit: &Edit, witness: Option<Value>, name: &str, pointer: &str) -> Change {
    let change = Change::new(edit.rule, name, &format!("{pointer}{}", edit.pointer));
    let mut change = change.between(edit.old.as_ref(), edit.new.as_ref());
    if let Some(name) = &edit.name {
        change = change.about(name);
    }
    change.witness = witness;
    change
}

type Judged = Vec<(Edit, Option<Value>)>;

/// The document whose values have to be values of the other.
const fn from(direction: Direction) -> Side {
    match direction {
        Direction::Input => Side::Old,
        Direction::Output => Side::New,
    }
}

fn judge(old: &Value, new: &Value, direction: Direction) -> Result<Judged, TooLarge> {
    let mut pair = Pair::new(old, new);
    let within = if direction == Direction::Input { vec![pair.promised(old, new)] } else { Vec::new() };
    let whole = pair.contained(from(direction), &within)?;
    let mut edits = Walk::run(&mut pair, old, new, direction)?;
    if whole == Containment::Yes {
        forgive(&mut edits, direction, &mut pair, (old, new))?;
        return Ok(edits.into_iter().map(|edit| (edit, None)).collect());
    }
    let mut judged = Vec::new();
    for edit in edits {
        let witness = match edit.mark {
            Some(mark) if judged.len() < WITNESSES && edit.rule.verdict == Verdict::Breaking => {
                show(&mut pair, direction, &within, mark)?
            }
            _ => None,
        };
        judged.push((edit, witness));
    }
    blame(&mut judged, &whole, direction, (old, new));
    Ok(judged)
}

/// A value that shows a difference, or none.
fn show(
    pair: &mut Pair,
    direction: Direction,
    within: &[NodeId],
    mark: NodeId,
) -> Result<Option<Value>, TooLarge> {
    let within = [within, &[mark]].concat();
    Ok(match pair.contained(from(direction), &within)? {
        Containment::No(value) => Some(value),
        Containment::Yes | Containment::Unknown(_) => None,
    })
}

/// All fits: what looked harmful in its place is not, and what means the same is no change.
fn forgive(
    edits: &mut Vec<Edit>,
    direction: Direction,
    pair: &mut Pair,
    (old, new): (&Value, &Value),
) -> Result<(), TooLarge> {
    let back = if direction == Direction::Input { Side::New } else { Side::Old };
    let same = pair.contained(back, &[])? == Containment::Yes
        && pair.contained(from(direction), &[])? == Containment::Yes;
    edits.retain_mut(|edit| {
        let rule = edit.rule;
        if rule.verdict == Verdict::Warning || ALWAYS.contains(&rule) {
            return true;
        }
        if rule.verdict > Verdict::Warning {
            edit.rule = direction.pick(&rules::INPUT_REWRITTEN, &rules::OUTPUT_REWRITTEN);
            edit.mark = None;
        }
        !same || KEYS.contains(&rule)
    });
    // What changed may stand where the walk does not go: it is named as a whole.
    if !same && edits.iter().all(|edit| edit.rule.verdict == Verdict::Warning) {
        edits.push(Edit::whole(rules::SCHEMA.rule(direction, direction.relief()), old, new));
    }
    Ok(())
}

/// What hurts although every value still fits: an open object accepts by the letter what it ignores, and a header is
/// no matter of values.
const ALWAYS: [&Rule; 4] = [
    &rules::HEADER_ADDED,
    &rules::HEADER_REMOVED,
    &rules::INPUT_PROPERTY_REMOVED,
    &rules::OUTPUT_PROPERTY_REMOVED,
];

/// What readers want to know although the same values fit.
const KEYS: [&Rule; 3] =
    [&rules::INPUT_PROPERTY_ADDED, &rules::OUTPUT_PROPERTY_ADDED, &rules::OUTPUT_PROPERTY_UNDECLARED];

/// It does not fit, or nobody knows: some change has to say so.
fn blame(judged: &mut Judged, whole: &Containment, direction: Direction, (old, new): (&Value, &Value)) {
    let gravest = judged.iter().map(|(edit, _)| edit.rule.verdict).max().unwrap_or(Verdict::None);
    let (rule, witness) = match whole {
        Containment::No(value) => (rules::SCHEMA.rule(direction, direction.harm()), Some(value.clone())),
        _ => (direction.unproved(), None),
    };
    if gravest < rule.verdict {
        judged.push((Edit::whole(rule, old, new), witness));
    } else if judged.iter().all(|(_, witness)| witness.is_none())
        && let Some((_, shown)) = judged.iter_mut().find(|(edit, _)| edit.rule.verdict == Verdict::Breaking)
    {
        *shown = witness;
    }
}
