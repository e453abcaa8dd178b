//! Writes what a server lists as contract files, in normal form.
//!
//! Invariant: what only the files say (version, scope, errors, side effects) stays as it was.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use crate::error::Result;
use crate::ops::contract::source;
use crate::path::RepoPath;
use crate::plan::{Action, Plan};
use crate::read;
use crate::tree::{File, Mode, Tree};
use crate::write::{self, Sink, Target};
use mcp_contract::model::{COMMITTED, Contract, Contracts};
use mcp_contract::normal;

/// A contract file.
#[derive(Clone, Debug, Serialize)]
pub struct Exported {
    /// Where it lies below the folder.
    pub path: String,
    /// Whether it was written: false when it was there, byte for byte.
    pub written: bool,
}

/// The contracts as one JSON document.
#[must_use]
pub fn document(contracts: &Contracts) -> Value {
    let entries = contracts
        .iter()
        .map(|contract| (format!("{}.json", contract.path()), Value::Object(contract.body.clone())));
    Value::Object(entries.collect())
}

/// Writes the contracts below `folder`.
///
/// # Errors
/// When the disk refuses, or a contract's name is no file name.
pub fn write(contracts: &Contracts, folder: &Path) -> Result<Vec<Exported>> {
    let there = source::of_folder(folder, "").unwrap_or_default();
    let mut wanted = Tree::new();
    for contract in contracts.iter() {
        let known = there.get(contract.kind, &contract.key());
        let place = known.map_or_else(|| contract.path(), Contract::path);
        let text = normal::to_text(&merged(contract, known));
        let file = File { bytes: Cow::Owned(text.into_bytes()), mode: Mode::Plain };
        wanted.insert(RepoPath::new(format!("{place}.json"))?, file);
    }
    let (root, missing) = existing(folder);
    let wanted = wanted
        .into_iter()
        .map(|(path, file)| Ok((RepoPath::new(format!("{missing}{path}"))?, file)))
        .collect::<Result<Tree>>()?;
    let target = Target::open(&root)?;
    write::resume(&target)?;
    let there = read::files(&target.path, wanted.keys())?;
    let plan = Plan::bring(&there, wanted);
    write::apply(&target, &plan, Sink::Disk)?;
    let written = plan.actions.iter().map(|action| Exported {
        path: action.path()[missing.len()..].to_owned(),
        written: !matches!(action, Action::Keep { .. }),
    });
    Ok(written.collect())
}

/// The deepest folder on the way to `folder` whose parent is there, and the rest of the way, `/` at its end.
fn existing(folder: &Path) -> (PathBuf, String) {
    let mut root = folder;
    let mut missing = String::new();
    while let (Some(parent), Some(name)) = (root.parent(), root.file_name()) {
        if parent.as_os_str().is_empty() || parent.exists() {
            break;
        }
        missing = format!("{}/{missing}", name.to_string_lossy());
        root = parent;
    }
    (root.to_owned(), missing)
}

fn merged(contract: &Contract, known: Option<&Contract>) -> Value {
    let mut body = contract.body.clone();
    if let Some(known) = known {
        let kept = known.body.iter().filter(|(key, _)| COMMITTED.contains(&key.as_str()));
        body.extend(kept.map(|(key, value)| (key.clone(), value.clone())));
    }
    body.into()
}
