//! What a plan does to a folder that is there already, written down before any of it is done.
//!
//! Beside the journal lie the new files and copies of the old ones. A step is done once its new file has left the
//! staging folder, so that a run which is killed anywhere can be told how far it came, and finished or undone.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Code, Error, Result};
use crate::path::RepoPath;
use crate::plan::{Action, Plan, Required};
use crate::read;
use crate::tree::{File, Mode};
use crate::write::disk::Disk;
use crate::write::{failed, holds, put, vacant};

const NAME: &str = "journal.json";
/// Hides from git what a killed run leaves.
const IGNORE: &str = ".gitignore";
const LAST: &str = ".cargo-mcp/";
const NEW: &str = "new";
const OLD: &str = "old";

/// What is to be done, and what it needs to be undone.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Journal {
    /// The folders that are not there yet, the outer ones first.
    folders: Vec<RepoPath>,
    steps: Vec<Step>,
    /// Whether a git repository is made in the end.
    pub(super) git_init: Option<Required>,
}

/// The digests are those of the file before and after.
#[derive(Debug, Deserialize, Serialize)]
#[serde(tag = "step", rename_all = "lowercase", deny_unknown_fields)]
enum Step {
    Create { path: RepoPath, after: String },
    Write { path: RepoPath, before: String, after: String },
    Delete { path: RepoPath, before: String },
    Chmod { path: RepoPath, before: String, mode: Mode, old: Mode },
}

impl Journal {
    /// Writes the journal of `plan` to `staging`, with all that carrying it out in `root` needs.
    pub(super) fn write(disk: &impl Disk, staging: &Path, root: &Path, plan: &Plan) -> Result<Self> {
        let (new, old) = (staging.join(NEW), staging.join(OLD));
        for folder in [&new, &old] {
            disk.create_dir(folder).map_err(|error| failed("create", folder, &error))?;
        }
        let mut journal = Self { folders: Vec::new(), steps: Vec::new(), git_init: plan.git_init() };
        let (mut made_new, mut made_old, mut missing) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for action in &plan.actions {
            if let Some((path, file)) = action.writes() {
                put(disk, &new, path, file, &mut made_new)?;
                missing.extend(path.folders().filter(|folder| !root.join(folder).exists()));
            }
            match action {
                Action::Create { path, file } => {
                    journal.steps.push(Step::Create { path: path.clone(), after: file.sha256() });
                }
                Action::Write { path, file, before } | Action::Conflict { path, file, before } => {
                    let there = copied(root, path, before)?;
                    put(disk, &old, path, &there, &mut made_old)?;
                    if there.mode == file.mode {
                        alike(disk, &path.below(root), &path.below(&new))?;
                    }
                    alike(disk, &path.below(root), &path.below(&old))?;
                    let (path, before, after) = (path.clone(), before.clone(), file.sha256());
                    journal.steps.push(Step::Write { path, before, after });
                }
                Action::Delete { path, before } => {
                    put(disk, &old, path, &copied(root, path, before)?, &mut made_old)?;
                    alike(disk, &path.below(root), &path.below(&old))?;
                    journal.steps.push(Step::Delete { path: path.clone(), before: before.clone() });
                }
                Action::Chmod { path, mode, before } => {
                    let old = copied(root, path, before)?.mode;
                    let (path, before) = (path.clone(), before.clone());
                    journal.steps.push(Step::Chmod { path, before, mode: *mode, old });
                }
                Action::Keep { .. } | Action::GitInit(_) => {}
            }
        }
        // A repository that has its manifest is complete.
        journal.steps.sort_by_key(|step| step.path().as_str().starts_with(LAST));
        for folder in missing {
            journal.folders.push(RepoPath::new(folder)?);
        }
        let text = serde_json::to_vec(&journal).unwrap_or_default();
        for (name, text) in [(IGNORE, &b"*\n"[..]), (NAME, &text)] {
            let path = staging.join(name);
            disk.create_file(&path, text, Mode::Plain).map_err(|error| failed("write", &path, &error))?;
        }
        Ok(journal)
    }

    /// Reads the journal of a killed run; it may have been put there by anyone.
    pub(super) fn read(staging: &Path) -> Result<Self> {
        let broken = |reason: String| {
            Error::new(Code::Journal, format!("{}: {reason}", staging.join(NAME).display()))
                .hint("remove the folder it lies in, then compare the repository with its last commit")
        };
        let file = read::file(staging, &RepoPath::new(NAME)?)?;
        let file = file.ok_or_else(|| broken("it is missing".to_owned()))?;
        serde_json::from_slice(&file.bytes).map_err(|error| broken(error.to_string()))
    }

    /// Whether nothing that was there before is touched.
    pub(super) fn only_creates(&self) -> bool {
        self.steps.iter().all(|step| matches!(step, Step::Create { .. }))
    }

    /// Whether what is still to be done finds what it expects.
    pub(super) fn expected(&self, staging: &Path, root: &Path) -> Result<()> {
        let new = staging.join(NEW);
        self.steps.iter().try_for_each(|step| match step {
            Step::Create { path, .. } if there(&new, path) => vacant(root, path),
            Step::Write { path, before, .. } if there(&new, path) => holds(root, path, before),
            Step::Delete { path, before } if there(root, path) => holds(root, path, before),
            Step::Chmod { path, before, .. } => holds(root, path, before),
            _ => Ok(()),
        })
    }

    /// Does what is not done yet.
    pub(super) fn carry_out(&self, disk: &impl Disk, staging: &Path, root: &Path) -> Result<()> {
        self.expected(staging, root)?;
        for folder in &self.folders {
            let place = folder.below(root);
            if !place.exists() {
                disk.create_dir(&place).map_err(|error| failed("create", &place, &error))?;
            }
        }
        let new = staging.join(NEW);
        for step in &self.steps {
            let place = step.path().below(root);
            match step {
                Step::Create { path, .. } | Step::Write { path, .. } if there(&new, path) => {
                    disk.rename(&path.below(&new), &place)
                }
                Step::Delete { path, .. } if there(root, path) => disk.remove_file(&place),
                Step::Chmod { mode, .. } => disk.set_mode(&place, *mode),
                Step::Create { .. } | Step::Write { .. } | Step::Delete { .. } => Ok(()),
            }
            .map_err(|error| failed("write", &place, &error))?;
        }
        self.deleted().try_for_each(|path| leave_none_empty(disk, root, path))
    }

    /// The files that are removed.
    fn deleted(&self) -> impl Iterator<Item = &RepoPath> {
        self.steps.iter().filter(|step| matches!(step, Step::Delete { .. })).map(Step::path)
    }

    /// Takes back what is done, but for what somebody changed since.
    pub(super) fn undo(&self, disk: &impl Disk, staging: &Path, root: &Path) -> Result<()> {
        let (new, old) = (staging.join(NEW), staging.join(OLD));
        for path in self.deleted() {
            for folder in path.folders().map(|folder| root.join(folder)).filter(|folder| !folder.exists()) {
                disk.create_dir(&folder).map_err(|error| failed("restore", &folder, &error))?;
            }
        }
        for step in self.steps.iter().rev() {
            let place = step.path().below(root);
            match step {
                Step::Create { path, after } if !there(&new, path) && holds(root, path, after).is_ok() => {
                    disk.rename(&place, &path.below(&new))
                }
                Step::Write { path, after, .. } if !there(&new, path) && holds(root, path, after).is_ok() => {
                    disk.rename(&path.below(&old), &place)
                }
                Step::Delete { path, .. } if !there(root, path) => disk.rename(&path.below(&old), &place),
                Step::Chmod { path, before, old, .. } if holds(root, path, before).is_ok() => {
                    disk.set_mode(&place, *old)
                }
                _ => Ok(()),
            }
            .map_err(|error| failed("restore", &place, &error))?;
        }
        for folder in self.folders.iter().rev() {
            // A folder that somebody has put something into stays.
            let _ = disk.remove_dir(&folder.below(root));
        }
        Ok(())
    }
}

impl Step {
    const fn path(&self) -> &RepoPath {
        match self {
            Self::Create { path, .. }
            | Self::Write { path, .. }
            | Self::Delete { path, .. }
            | Self::Chmod { path, .. } => path,
        }
    }
}

fn there(root: &Path, path: &RepoPath) -> bool {
    path.below(root).symlink_metadata().is_ok()
}

/// The file at `path`, if it is the one that is expected.
fn copied(root: &Path, path: &RepoPath, before: &str) -> Result<File> {
    holds(root, path, before)?;
    let file = read::file(root, path)?;
    file.ok_or_else(|| Error::new(Code::DiskChanged, format!("{path} is gone")))
}

/// Gives one file the permissions of another.
fn alike(disk: &impl Disk, from: &Path, to: &Path) -> Result<()> {
    let permissions = fs::symlink_metadata(from).map(|metadata| metadata.permissions());
    permissions
        .and_then(|permissions| disk.set_permissions(to, permissions))
        .map_err(|error| failed("write", to, &error))
}

/// Removes the folders that held the file at `path`, but for those that hold something else.
fn leave_none_empty(disk: &impl Disk, root: &Path, path: &RepoPath) -> Result<()> {
    let folders: Vec<_> = path.folders().map(|folder| root.join(folder)).collect();
    for folder in folders.iter().rev() {
        match disk.remove_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => break,
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed("remove", folder, &error));
            }
            _ => {}
        }
    }
    Ok(())
}
