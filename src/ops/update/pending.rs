//! An update whose conflicts are yet to be resolved: what was there before lies beside it, until the user is done.
//!
//! It lies in a folder of its own that git ignores. Going back writes every file as it was and removes what was created.

use std::borrow::Cow;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Code, Error, Result};
use crate::merge;
use crate::path::RepoPath;
use crate::plan::{Action, Plan};
use crate::read;
use crate::repo::base;
use crate::tree::{File, Mode, Tree};
use crate::write::{self, Sink, Target};

const IGNORE: &str = ".cargo-mcp/pending/.gitignore";
const BEFORE: &str = ".cargo-mcp/pending/before.tar.zst";
const STATE: &str = ".cargo-mcp/pending/update.toml";

/// What an update with conflicts leaves to do.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Pending {
    /// The files with markers.
    pub marked: Vec<RepoPath>,
    /// The files of the template that lie beside the user's.
    pub beside: Vec<RepoPath>,
    /// The files that were not there.
    created: Vec<RepoPath>,
}

impl Pending {
    /// Reads what an update has left in `target`, if one has.
    ///
    /// # Errors
    /// When it cannot be understood.
    pub fn read(target: &Target) -> Result<Option<Self>> {
        let Some(file) = read::file(&target.path, &RepoPath::new(STATE)?)? else { return Ok(None) };
        toml::from_str(&String::from_utf8_lossy(&file.bytes)).map(Some).map_err(|error| {
            Error::new(Code::Journal, format!("{STATE}: {}", error.message().replace('\n', " ")))
                .hint("resolve the conflicts, then remove the folder it lies in")
        })
    }

    /// What is not resolved: the file, and the line of its first marker.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn unresolved(&self, target: &Target) -> Result<Vec<String>> {
        let mut left = Vec::new();
        for path in &self.marked {
            let file = read::file(&target.path, path)?;
            if let Some(line) = file.and_then(|file| merge::left_over(&file.bytes)) {
                left.push(format!("{path}:{line}"));
            }
        }
        for path in &self.beside {
            if read::file(&target.path, path)?.is_some() {
                left.push(path.to_string());
            }
        }
        Ok(left)
    }

    /// The plan after which nothing is pending.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn end(target: &Target) -> Result<Plan> {
        let mut plan = Plan::default();
        for path in [STATE, BEFORE, IGNORE] {
            remove(target, RepoPath::new(path)?, &mut plan)?;
        }
        Ok(plan)
    }

    /// The plan after which everything is as it was before the update.
    ///
    /// # Errors
    /// When a file cannot be read, or what was there before is lost.
    pub fn undo(self, target: &Target) -> Result<Plan> {
        let lost = || {
            Error::new(Code::BaseBroken, format!("{BEFORE} is missing"))
                .hint("go back with git: git restore . && git clean -d")
        };
        let packed = read::file(&target.path, &RepoPath::new(BEFORE)?)?.ok_or_else(lost)?;
        let before = base::unpack(&packed.bytes)?;
        let there = read::files(&target.path, before.keys())?;
        let mut plan = Plan::bring(&there, before);
        for path in self.created {
            remove(target, path, &mut plan)?;
        }
        plan.actions.extend(Self::end(target)?.actions);
        Ok(plan)
    }
}

/// Ends an update whose conflicts are resolved.
///
/// # Errors
/// When some are not, or there was no such update.
pub fn finish(folder: &Path) -> Result<Vec<String>> {
    let (target, pending) = open(folder)?;
    resolved(&pending, &target)?;
    write::apply(&target, &Pending::end(&target)?, Sink::Disk)?;
    Ok(pending.marked.iter().map(ToString::to_string).collect())
}

/// Takes back an update with conflicts: every file is as it was before it.
///
/// # Errors
/// When there was no such update, or the disk refuses.
pub fn abort(folder: &Path) -> Result<usize> {
    let (target, pending) = open(folder)?;
    let plan = pending.undo(&target)?;
    write::apply(&target, &plan, Sink::Disk)?;
    Ok(plan.changes().count())
}

/// The repository, and the update that waits in it.
fn open(folder: &Path) -> Result<(Target, Pending)> {
    let target = Target::open(folder)?;
    write::resume(&target)?;
    let none = || Error::new(Code::NothingPending, "no update waits for its conflicts to be resolved");
    let pending = Pending::read(&target)?.ok_or_else(none)?;
    Ok((target, pending))
}

/// Refuses to go on while something is not resolved.
pub(super) fn resolved(pending: &Pending, target: &Target) -> Result<()> {
    let left = pending.unresolved(target)?;
    if left.is_empty() {
        return Ok(());
    }
    let message = format!("conflicts of an update are not resolved: {}", left.join(", "));
    Err(Error::new(Code::Unresolved, message)
        .hint("resolve them and run cargo mcp update --continue, or go back with --abort"))
}

/// What an update with conflicts has to write beside everything else, for the user to be able to go back.
///
/// # Errors
/// When a file that it changes cannot be read.
pub fn record(target: &Target, plan: &Plan, marked: Vec<RepoPath>, beside: Vec<RepoPath>) -> Result<Plan> {
    let mut pending = Pending { marked, beside, created: Vec::new() };
    let mut before = Tree::new();
    for action in plan.changes() {
        match action {
            Action::Create { path, .. } => pending.created.push(path.clone()),
            Action::Write { path, .. }
            | Action::Conflict { path, .. }
            | Action::Delete { path, .. }
            | Action::Chmod { path, .. } => before.extend(read::files(&target.path, [path])?),
            Action::Keep { .. } | Action::GitInit(_) => {}
        }
    }
    let state = toml::to_string(&pending).map_err(|error| Error::new(Code::Io, error.to_string()))?;
    let files = [(IGNORE, b"*\n".to_vec()), (BEFORE, base::pack(&before)?), (STATE, state.into_bytes())];
    let mut tree = Tree::new();
    for (path, bytes) in files {
        tree.insert(RepoPath::new(path)?, File { bytes: Cow::Owned(bytes), mode: Mode::Plain });
    }
    Ok(Plan::create(tree))
}

fn remove(target: &Target, path: RepoPath, plan: &mut Plan) -> Result<()> {
    if let Some(file) = read::file(&target.path, &path)? {
        plan.actions.push(Action::Delete { path, before: file.sha256() });
    }
    Ok(())
}
