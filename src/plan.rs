//! What will change on the disk, decided before anything does: a dry run prints it, a real run carries it out.

use serde::Serialize;
use serde::ser::{SerializeStruct as _, Serializer};

use crate::path::RepoPath;
use crate::tree::{File, Tree};

/// One change.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Action {
    /// Write a file that is not there yet.
    Create(RepoPath, File),
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
    #[must_use]
    pub fn create(tree: Tree) -> Self {
        Self { actions: tree.into_iter().map(|(path, file)| Action::Create(path, file)).collect() }
    }
}

impl Serialize for Action {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self::Create(path, file) = self;
        let mut out = serializer.serialize_struct("Action", 4)?;
        out.serialize_field("action", "create")?;
        out.serialize_field("path", path)?;
        out.serialize_field("mode", &file.mode)?;
        out.serialize_field("bytes", &file.bytes.len())?;
        out.end()
    }
}
