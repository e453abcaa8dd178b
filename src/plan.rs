//! What will change on the disk, decided before anything does: a dry run prints it, a real run carries it out.
//!
//! Each action says what must be on the disk for it to be right; where that no longer holds, nothing is changed.

use serde::Serialize;
use serde::ser::{SerializeStruct as _, Serializer};

use crate::path::RepoPath;
use crate::tree::{File, Mode, Tree};

/// The SHA-256 of the file that must be there, in hexadecimal.
pub type Before = String;

/// Whether nothing may be written unless it succeeds.
pub type Required = bool;

/// One change.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "the fields say what they are")]
pub enum Action {
    /// Write a file where nothing is.
    Create { path: RepoPath, file: File },
    /// Write a file in place of the one that is there.
    Write { path: RepoPath, file: File, before: Before },
    /// Write a file in which both sides stand, marked, for the user to choose.
    Conflict { path: RepoPath, file: File, before: Before },
    /// Remove a file.
    Delete { path: RepoPath, before: Before },
    /// Change whether a file can be run.
    Chmod { path: RepoPath, mode: Mode, before: Before },
    /// Leave a file as it is.
    Keep { path: RepoPath },
    /// Make the folder a git repository.
    GitInit(Required),
}

impl Action {
    /// The word for it.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Write { .. } => "write",
            Self::Conflict { .. } => "conflict",
            Self::Delete { .. } => "delete",
            Self::Chmod { .. } => "chmod",
            Self::Keep { .. } => "keep",
            Self::GitInit(_) => "git_init",
        }
    }

    /// What it is about.
    pub fn path(&self) -> &str {
        match self {
            Self::Create { path, .. }
            | Self::Write { path, .. }
            | Self::Conflict { path, .. }
            | Self::Delete { path, .. }
            | Self::Chmod { path, .. }
            | Self::Keep { path } => path.as_str(),
            Self::GitInit(_) => ".git",
        }
    }

    /// The file that it writes, and where.
    pub const fn writes(&self) -> Option<(&RepoPath, &File)> {
        match self {
            Self::Create { path, file }
            | Self::Write { path, file, .. }
            | Self::Conflict { path, file, .. } => Some((path, file)),
            Self::Delete { .. } | Self::Chmod { .. } | Self::Keep { .. } | Self::GitInit(_) => None,
        }
    }
}

/// All changes, in the order in which they are made.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Plan {
    /// The changes.
    pub actions: Vec<Action>,
}

impl Plan {
    /// The plan that writes `tree` where nothing is.
    pub fn create(tree: Tree) -> Self {
        Self { actions: tree.into_iter().map(|(path, file)| Action::Create { path, file }).collect() }
    }

    /// The plan after which all of `wanted` is on a disk that holds `there`; what else is there stays.
    pub fn bring(there: &Tree, wanted: Tree) -> Self {
        let action = |(path, file): (RepoPath, File)| match there.get(&path) {
            None => Action::Create { path, file },
            Some(old) if old.bytes != file.bytes => Action::Write { path, file, before: old.sha256() },
            Some(old) if old.mode != file.mode => {
                Action::Chmod { path, mode: file.mode, before: old.sha256() }
            }
            Some(_) => Action::Keep { path },
        };
        Self { actions: wanted.into_iter().map(action).collect() }
    }

    /// Whether a git repository is to be made.
    pub fn git_init(&self) -> Option<Required> {
        self.actions.iter().find_map(|action| match action {
            Action::GitInit(required) => Some(*required),
            _ => None,
        })
    }

    /// The actions that change something.
    pub fn changes(&self) -> impl Iterator<Item = &Action> {
        self.actions.iter().filter(|action| !matches!(action, Action::Keep { .. }))
    }
}

impl Serialize for Action {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mode = match self {
            Self::Chmod { mode, .. } => Some(*mode),
            _ => self.writes().map(|(_, file)| file.mode),
        };
        let mut out = serializer.serialize_struct("Action", 4)?;
        out.serialize_field("action", self.word())?;
        out.serialize_field("path", self.path())?;
        match mode {
            Some(mode) => out.serialize_field("mode", &mode)?,
            None => out.skip_field("mode")?,
        }
        match self.writes() {
            Some((_, file)) => out.serialize_field("bytes", &file.bytes.len())?,
            None => out.skip_field("bytes")?,
        }
        out.end()
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    fn tree(files: &[(&str, &'static str, Mode)]) -> Tree {
        let file = |text: &'static str, mode| File { bytes: Cow::Borrowed(text.as_bytes()), mode };
        files.iter().map(|(path, text, mode)| (RepoPath::new(*path).unwrap(), file(text, *mode))).collect()
    }

    #[test]
    fn only_what_differs_is_changed_and_what_is_not_wanted_stays() {
        use Mode::{Executable, Plain};
        let there = tree(&[("a", "1", Plain), ("b", "1", Plain), ("c", "1", Plain), ("mine", "1", Plain)]);
        let wanted = tree(&[("a", "1", Plain), ("b", "2", Plain), ("c", "1", Executable), ("d", "1", Plain)]);
        let plan = Plan::bring(&there, wanted);
        let said: Vec<_> = plan.actions.iter().map(|action| (action.word(), action.path())).collect();
        assert_eq!(said, [("keep", "a"), ("write", "b"), ("chmod", "c"), ("create", "d")]);
        assert_eq!(plan.changes().count(), 3);
    }
}
