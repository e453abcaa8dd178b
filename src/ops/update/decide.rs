//! What becomes of each file: (what was rendered, what is there, what the template renders now) → a decision. Pure.
//!
//! A file that is as it was rendered becomes what the template renders now. One that was changed is merged. Seeds and
//! what the user deleted stay as they are, and so does every file that the tool did not write.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::merge::{self, Merge, Versions};
use crate::ops::update::disk::Found;
use crate::path::RepoPath;
use crate::plan::Action;
use crate::repo::manifest::Entry;
use crate::template::render::Rendered;
use crate::template::spec::Policy;
use crate::tree::{File, Mode, Tree};

/// All that a decision depends on.
pub struct Sides<'a> {
    /// What was rendered.
    pub old: &'a BTreeMap<RepoPath, Entry>,
    /// The files as they were rendered, of those that somebody has changed; less what cannot be had any more.
    pub base: &'a Tree,
    /// What is there.
    pub disk: &'a BTreeMap<RepoPath, Found>,
    /// What the template renders now.
    pub new: &'a Rendered,
    /// Deleted files that the user wants back.
    pub restore: &'a BTreeSet<RepoPath>,
    /// What the template would render now without the answers that change: a seed that they change follows them, if
    /// nobody has touched it.
    pub unasked: Option<&'a Tree>,
    /// The names of the sides.
    pub versions: Versions<'a>,
}

/// What becomes of one file.
#[derive(Debug, Serialize)]
pub struct Decision {
    /// The file.
    pub path: RepoPath,
    /// Where it was before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<RepoPath>,
    /// What becomes of it.
    #[serde(flatten)]
    pub fate: Fate,
    /// What that takes.
    #[serde(skip)]
    pub actions: Vec<Action>,
}

/// What becomes of a file.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Fate {
    /// The template has it and it was not there.
    Create,
    /// It is there again.
    Restore,
    /// Nobody had changed it: it is what the template renders now.
    Update,
    /// Both sides changed it, in different places.
    Merge,
    /// Nobody but the template changed its name or its mode.
    Move,
    /// The template has it no more, and nobody had changed it.
    Delete,
    /// The user has to look at it.
    Conflict(Conflict),
    /// It was changed and is written by a command: that has to run again.
    Stale {
        /// The command.
        command: String,
    },
}

/// Why the user has to look at a file.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "conflict", rename_all = "snake_case")]
pub enum Conflict {
    /// Both sides stand in it, marked.
    Marked {
        /// In how many places.
        places: usize,
        /// Whether it is known what was rendered; without, every difference is marked.
        base: bool,
    },
    /// It is no text: the user's is kept, and the template's lies beside it.
    Binary {
        /// Where.
        beside: RepoPath,
    },
    /// The template has it no more, but the user had changed it: it is kept.
    Removed,
    /// The template moved it to where the user has another file: both are kept.
    Occupied,
    /// What is there is no plain file: it is not written to.
    Odd {
        /// What is odd about it.
        reason: String,
    },
}

/// Decides about every file that the template has or had; what stays as it is, is left out.
pub fn decide(sides: &Sides<'_>) -> Vec<Decision> {
    let origins: BTreeMap<&RepoPath, &RepoPath> = sides
        .new
        .moved
        .iter()
        .filter(|(from, to)| {
            sides.old.contains_key(*from)
                && !sides.new.tree.contains_key(*from)
                && !sides.old.contains_key(*to)
        })
        .map(|(from, to)| (to, from))
        .collect();
    let there = sides.new.tree.iter().filter_map(|(path, file)| {
        let from = origins.get(path).copied().unwrap_or(path);
        sides.wanted(path, from, file)
    });
    let gone = sides.old.iter().filter(|(path, _)| {
        !sides.new.tree.contains_key(*path)
            && sides.new.moved.get(*path).is_none_or(|to| origins.get(to) != Some(path))
    });
    let gone = gone.filter_map(|(path, entry)| sides.unwanted(path, entry));
    there.chain(gone).collect()
}

impl Sides<'_> {
    /// A file that the template has.
    fn wanted(&self, path: &RepoPath, from: &RepoPath, new: &File) -> Option<Decision> {
        let create =
            |fate| decision(path, fate, vec![Action::Create { path: path.clone(), file: new.clone() }]);
        let policy = self.new.policies.get(path).copied().unwrap_or_default();
        match (self.old.get(from), self.disk.get(from)) {
            (None, None) => Some(create(Fate::Create)),
            (Some(_), None) if self.restore.contains(path) => Some(create(Fate::Restore)),
            (Some(_), None) => None,
            (Some(entry), Some(found)) if policy == Policy::Seed || entry.policy == Policy::Seed => {
                match found {
                    Found::File(yours) if self.asked(path, new) && yours.sha256() == entry.sha256 => {
                        replaced(
                            path,
                            path,
                            yours,
                            File { bytes: new.bytes.clone(), mode: yours.mode },
                            Fate::Update,
                        )
                    }
                    _ => None,
                }
            }
            (None, Some(Found::Odd(reason))) => Some(odd(path, reason)),
            (None, Some(Found::File(yours))) => {
                let merge = (policy == Policy::Managed).then(|| self.two_way(yours, new));
                self.merged(path, path, yours, new, merge?, false)
            }
            (Some(entry), Some(Found::Odd(reason))) => {
                (new.sha256() != entry.sha256 || from != path).then(|| odd(path, reason))
            }
            (Some(_), Some(Found::File(_))) if from != path && self.disk.contains_key(path) => {
                Some(decision(path, Fate::Conflict(Conflict::Occupied), Vec::new()))
            }
            (Some(entry), Some(Found::File(yours))) => self.managed(path, from, entry, yours, new),
        }
    }

    /// Whether answers that change are what changes a file.
    fn asked(&self, path: &RepoPath, new: &File) -> bool {
        self.unasked.is_some_and(|tree| tree.get(path).is_none_or(|same| same.bytes != new.bytes))
    }

    /// A file that the tool wrote and that is still there.
    fn managed(
        &self,
        path: &RepoPath,
        from: &RepoPath,
        entry: &Entry,
        yours: &File,
        new: &File,
    ) -> Option<Decision> {
        let base = || self.base.get(from);
        let left_alone = base().is_some_and(|base| base.mode == yours.mode);
        let mode = if left_alone { new.mode } else { yours.mode };
        let same = new.sha256() == entry.sha256 || new.bytes == yours.bytes;
        if same || yours.sha256() == entry.sha256 {
            let bytes = if same { yours.bytes.clone() } else { new.bytes.clone() };
            let fate = if same { Fate::Move } else { Fate::Update };
            return replaced(path, from, yours, File { bytes, mode }, fate);
        }
        let merge = match base() {
            Some(base) => merge::three_way(&base.bytes, &yours.bytes, &new.bytes, self.versions),
            None => self.two_way(yours, new),
        };
        let new = File { bytes: new.bytes.clone(), mode };
        self.merged(path, from, yours, &new, merge, base().is_some())
    }

    fn two_way(&self, yours: &File, new: &File) -> Merge {
        merge::two_way(&yours.bytes, &new.bytes, self.versions.new)
    }

    fn merged(
        &self,
        path: &RepoPath,
        from: &RepoPath,
        yours: &File,
        new: &File,
        merge: Merge,
        base: bool,
    ) -> Option<Decision> {
        if let (Some(command), false) = (self.new.commands.get(path), matches!(merge, Merge::Clean(_))) {
            return Some(decision(path, Fate::Stale { command: command.clone() }, Vec::new()));
        }
        match merge {
            Merge::Clean(bytes) => {
                let file = File { bytes: bytes.into(), mode: new.mode };
                replaced(path, from, yours, file, Fate::Merge)
            }
            Merge::Conflict { text, hunks } => {
                let file = File { bytes: text.into(), mode: new.mode };
                let fate = Fate::Conflict(Conflict::Marked { places: hunks, base });
                replaced(path, from, yours, file, fate)
            }
            Merge::Binary => {
                let beside = RepoPath::new(format!("{path}.template-{}", self.versions.new)).ok()?;
                let action = Action::Create { path: beside.clone(), file: new.clone() };
                Some(decision(path, Fate::Conflict(Conflict::Binary { beside }), vec![action]))
            }
        }
    }

    /// A file that the template has no more.
    fn unwanted(&self, path: &RepoPath, entry: &Entry) -> Option<Decision> {
        if entry.policy == Policy::Seed {
            return None;
        }
        match self.disk.get(path)? {
            Found::File(yours) if yours.sha256() == entry.sha256 => {
                let action = Action::Delete { path: path.clone(), before: entry.sha256.clone() };
                Some(decision(path, Fate::Delete, vec![action]))
            }
            _ => Some(decision(path, Fate::Conflict(Conflict::Removed), Vec::new())),
        }
    }
}

fn decision(path: &RepoPath, fate: Fate, actions: Vec<Action>) -> Decision {
    Decision { path: path.clone(), from: None, fate, actions }
}

fn odd(path: &RepoPath, reason: &str) -> Decision {
    decision(path, Fate::Conflict(Conflict::Odd { reason: reason.to_owned() }), Vec::new())
}

/// Puts `file` at `path` in place of what the user has at `from`; nothing where that is the same.
fn replaced(path: &RepoPath, from: &RepoPath, yours: &File, file: File, fate: Fate) -> Option<Decision> {
    let (path, before) = (path.clone(), yours.sha256());
    if from != &path {
        let actions =
            vec![Action::Create { path: path.clone(), file }, Action::Delete { path: from.clone(), before }];
        return Some(Decision { path, from: Some(from.clone()), fate, actions });
    }
    let mode: Mode = file.mode;
    let action = match (&fate, yours.bytes == file.bytes, yours.mode == mode) {
        (Fate::Conflict(_), ..) => Action::Conflict { path: path.clone(), file, before },
        (_, false, _) => Action::Write { path: path.clone(), file, before },
        (_, true, false) => Action::Chmod { path: path.clone(), mode, before },
        (_, true, true) => return None,
    };
    Some(Decision { path, from: None, fate, actions: vec![action] })
}
