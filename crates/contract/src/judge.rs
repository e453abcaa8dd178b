//! The verdict on two schemas: the walk names the differences, containment of the whole has the last word.
//!
//! Invariant: when the whole is not proved to fit, some change says so; when it is, only a removed property (which
//! an open object would accept by the letter) can still be breaking.

use serde_json::Value;

use super::change::Change;
use super::kinds::{self, Verdict};
use super::schema::node::NodeId;
use super::schema::{Containment, Pair, Side, TooLarge};
use super::walk::{Edit, Walk};

const WITNESSES: usize = 20;

/// Who relies on a schema.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Direction {
    /// Callers: what was accepted must be accepted.
    Input,
    /// Clients: what is answered must have been promised.
    Output,
}

impl Direction {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
        }
    }

    const fn from(self) -> Side {
        match self {
            Self::Input => Side::Old,
            Self::Output => Side::New,
        }
    }
}

/// The changes between two schemas of the contract `name`, whose schema lies at `pointer`.
#[must_use]
pub fn schemas(old: &Value, new: &Value, direction: Direction, name: &str, pointer: &str) -> Vec<Change> {
    if old == new {
        return Vec::new();
    }
    match judge(old, new, direction) {
        Ok(edits) => edits.into_iter().map(|(edit, witness)| change(&edit, witness, name, pointer)).collect(),
        Err(TooLarge(why)) => {
            let mut change = Change::new(&format!("{}-unproved", direction.word()), name, pointer);
            change.message = format!("{} {why}.", change.message);
            vec![change]
        }
    }
}

fn change(edit: &Edit, witness: Option<Value>, name: &str, pointer: &str) -> Change {
    let change = Change::new(&edit.id, name, &format!("{pointer}{}", edit.pointer));
    let mut change = change.between(edit.old.as_ref(), edit.new.as_ref());
    if let Some(name) = &edit.name {
        change = change.about(name);
    }
    change.witness = witness;
    change
}

type Judged = Vec<(Edit, Option<Value>)>;

fn verdict(edit: &Edit) -> Verdict {
    kinds::find(&edit.id).map_or(Verdict::Unknown, |kind| kind.verdict)
}

fn judge(old: &Value, new: &Value, direction: Direction) -> Result<Judged, TooLarge> {
    let mut pair = Pair::new(old, new);
    let within = if direction == Direction::Input { vec![pair.promised(old, new)] } else { Vec::new() };
    let whole = pair.contained(direction.from(), &within)?;
    let mut walk = Walk::new(&mut pair, old, new, direction);
    walk.run()?;
    let mut edits = walk.edits;
    if whole == Containment::Yes {
        forgive(&mut edits, direction, &mut pair, (old, new))?;
        return Ok(edits.into_iter().map(|edit| (edit, None)).collect());
    }
    let mut judged = Vec::new();
    for edit in edits {
        let witness = match edit.mark {
            Some(mark) if judged.len() < WITNESSES && verdict(&edit) == Verdict::Breaking => {
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
    Ok(match pair.contained(direction.from(), &within)? {
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
        && pair.contained(direction.from(), &[])? == Containment::Yes;
    edits.retain_mut(|edit| {
        let kind = verdict(edit);
        let is_property = edit.id.contains("-property-");
        if kind == Verdict::Warning
            || edit.id.ends_with("-property-removed")
            || edit.id.starts_with("header-")
        {
            return true;
        }
        if kind > Verdict::Warning {
            edit.id = format!("{}-rewritten", direction.word());
            edit.mark = None;
        }
        !same || is_property
    });
    // What changed may stand where the walk does not go: it is named as a whole.
    if !same && edits.iter().all(|edit| verdict(edit) == Verdict::Warning) {
        let better = if direction == Direction::Input { "widened" } else { "narrowed" };
        edits.push(Edit::whole(format!("{}-schema-{better}", direction.word()), old, new));
    }
    Ok(())
}

/// It does not fit, or nobody knows: some change has to say so.
fn blame(judged: &mut Judged, whole: &Containment, direction: Direction, (old, new): (&Value, &Value)) {
    let gravest = judged.iter().map(|(edit, _)| verdict(edit)).max().unwrap_or(Verdict::None);
    let (id, witness, wanted) = match whole {
        Containment::No(value) => {
            let worse = if direction == Direction::Input { "narrowed" } else { "widened" };
            (format!("{}-schema-{worse}", direction.word()), Some(value.clone()), Verdict::Breaking)
        }
        _ => (format!("{}-unproved", direction.word()), None, Verdict::Unknown),
    };
    if gravest < wanted {
        judged.push((Edit::whole(id, old, new), witness));
    } else if judged.iter().all(|(_, witness)| witness.is_none())
        && let Some((_, place)) = judged.iter_mut().find(|(edit, _)| verdict(edit) == Verdict::Breaking)
    {
        *place = witness;
    }
}
