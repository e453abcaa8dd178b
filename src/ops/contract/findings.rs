//! Changes and versions as findings: where it is decided how grave each is.
//!
//! Invariant: what hurts clients is an error unless somebody let it pass or a version admits it.

use mcp_contract::change::Change;
use mcp_contract::rules::Verdict;
use mcp_contract::version::Level as Rise;
use serde::Serialize;

use crate::finding::{Detail, Finding, Level, Place};
use crate::ops::contract::file_of;

/// A version, and whether it is high enough.
#[derive(Clone, Debug, Serialize)]
pub struct Held {
    /// The contract, or `server`.
    pub contract: String,
    /// The version of the last release.
    pub released: String,
    /// The version now.
    pub version: String,
    /// What has to rise.
    pub level: Rise,
    /// The lowest version that will do.
    pub needed: String,
    /// Whether the version will do.
    pub ok: bool,
    /// The file that states it.
    pub file: String,
}

/// What a change is when nothing but the change counts.
pub fn of_change(change: &Change) -> Finding {
    let level = match change.verdict {
        _ if change.acknowledged => Level::Note,
        Verdict::Breaking | Verdict::Unknown => Level::Error,
        Verdict::Warning => Level::Warning,
        Verdict::Additive | Verdict::None => Level::Note,
    };
    let mut details = Vec::new();
    if change.old.is_some() || change.new.is_some() {
        details.push(Detail::Sides(change.old.clone(), change.new.clone()));
    }
    if let Some(witness) = &change.witness {
        let says = if change.rule.id.starts_with("output") {
            "the new contract allows this answer, the old one rules it out"
        } else {
            "this was accepted before and is refused now"
        };
        details.push(Detail::Shows(says, witness.clone()));
    }
    details.extend(change.hint.clone().map(Detail::Says));
    Finding {
        rule: change.rule.id,
        word: change.verdict.word(),
        level,
        meaning: change.rule.meaning.replace("{}", ""),
        message: change.sentence(),
        help: change.remedy.to_owned(),
        place: Place {
            file: file_of(&change.contract),
            line: None,
            name: change.contract.clone(),
            pointer: change.pointer.clone(),
            subject: change.name.clone(),
        },
        details,
        waived: change.acknowledged.then_some("acknowledged"),
    }
}

/// What a change since the last release is, whose versions rose far enough or did not.
pub fn of_released_change(change: &Change, admitted: bool) -> Finding {
    let mut finding = of_change(change);
    if admitted && finding.level == Level::Error {
        finding.level = Level::Warning;
        finding.waived = Some("its version admits it");
    }
    finding
}

/// What a difference between the server and its contracts is: whatever it is, one of the two is wrong.
pub fn of_drift(change: &Change) -> Finding {
    let finding = of_change(change);
    let message = format!("The server and contracts/ differ. {}", finding.message);
    Finding { level: Level::Error, waived: None, message, ..finding }
}

/// A version that is too low.
pub fn of_version(held: &Held) -> Finding {
    let why = match held.level {
        Rise::Major => "a breaking or unproved change",
        Rise::Minor => "an addition",
        Rise::Patch => "a changed text or default",
        Rise::None => "no change",
    };
    let Held { contract, released, version, needed, file, .. } = held;
    Finding {
        rule: "version-too-low",
        word: "version",
        level: Level::Error,
        meaning: "A version does not admit what changed since the last release.".to_owned(),
        message: format!(
            "{contract} is at {version}; after {released} and {why} it must be {needed} or higher."
        ),
        help: "Undo the changes, or run cargo mcp contract bump.".to_owned(),
        place: Place {
            file: file.clone(),
            line: None,
            name: contract.clone(),
            pointer: String::new(),
            subject: None,
        },
        details: vec![Detail::Says(format!(
            "at {version}; after {released} and {why} it must be {needed} or higher"
        ))],
        waived: None,
    }
}
