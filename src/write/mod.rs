//! The only place that changes a disk. A plan is carried out whole or not at all.
//!
//! A new repository is written to a staging folder on the same file system, beside the target, and then renamed.
//! Where the target must stay the same folder (a repository lies in it, a shell stands in it, something is mounted
//! on it, or its parent cannot be written to), the staging folder lies inside it together with a journal of what
//! is to be done. Once both are complete the folder carries a name that says so, and a run that is killed in
//! between is finished, or undone, by the next one. What the plan did not expect is never overwritten or removed.

#[expect(clippy::disallowed_methods, reason = "here the disk is changed")]
mod disk;
mod journal;
mod staging;
mod target;
#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests prepare the disk")]
mod tests;

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use crate::error::{Code, Error, Result};
use crate::git;
use crate::path::RepoPath;
use crate::plan::{Action, Plan, Required};
use crate::read;
use crate::tree::File;
use disk::{Disk, Real};
use journal::Journal;
use staging::{Staging, sweep};
pub use target::Target;

/// What becomes of a plan.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sink {
    /// It is carried out.
    Disk,
    /// It is held against the disk, and nothing is changed.
    DryRun,
}

impl Sink {
    /// The one that `--dry-run` asks for.
    pub const fn dry(dry: bool) -> Self {
        if dry { Self::DryRun } else { Self::Disk }
    }
}

/// What became of a plan.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Applied {
    /// Whether a git repository was made.
    pub git: bool,
    /// What the user should know although all went well.
    pub warnings: Vec<String>,
}

/// What was done about a run that was killed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Resumed {
    /// There was none.
    Nothing,
    /// What it had begun was finished.
    Finished,
    /// The files are no longer what it expected: what it had done was taken back.
    Undone,
}

/// Carries out `plan` in `target`.
///
/// # Errors
/// When the disk is not as the plan expects, or refuses; it is then as it was.
pub fn apply(target: &Target, plan: &Plan, sink: Sink) -> Result<Applied> {
    if target.existing.is_some() {
        plan.actions.iter().try_for_each(|action| expected(&target.path, action))?;
    }
    match sink {
        Sink::DryRun => Ok(Applied::default()),
        Sink::Disk => apply_on(&Real, target, plan),
    }
}

/// Finishes what a killed run had completed in `target` but not put in its place, or takes it back.
///
/// # Errors
/// When something stands in the way, or another run is at it.
pub fn resume(target: &Target) -> Result<Resumed> {
    resume_on(&Real, target)
}

fn apply_on(disk: &impl Disk, target: &Target, plan: &Plan) -> Result<Applied> {
    if plan.changes().next().is_none() {
        return Ok(Applied::default());
    }
    if !target.in_place {
        match beside(disk, target, plan) {
            Err(Failure::Unsuitable(_)) if target.existing.is_some() => {}
            Err(Failure::Unsuitable(error) | Failure::Stopped(error)) => return Err(error),
            Ok(applied) => return Ok(applied),
        }
    }
    within(disk, target, plan)
}

/// Why writing beside the target did not work.
enum Failure {
    /// The place does not allow it; inside the target it may.
    Unsuitable(Error),
    Stopped(Error),
}

impl Failure {
    fn of(action: &str, path: &Path, error: &io::Error) -> Self {
        use io::ErrorKind::{CrossesDevices, PermissionDenied, ReadOnlyFilesystem, ResourceBusy};
        let shown = failed(action, path, error);
        match error.kind() {
            CrossesDevices | PermissionDenied | ReadOnlyFilesystem | ResourceBusy => Self::Unsuitable(shown),
            _ => Self::Stopped(shown),
        }
    }
}

fn beside(disk: &impl Disk, target: &Target, plan: &Plan) -> Result<Applied, Failure> {
    let parent = target.parent();
    sweep(disk, parent);
    let mut staging =
        Staging::create(disk, parent).map_err(|error| Failure::of("create a folder in", parent, &error))?;
    fill(disk, staging.path(), plan).map_err(Failure::Stopped)?;
    let applied = put_under_git(disk, staging.path(), plan.git_init()).map_err(Failure::Stopped)?;
    if let Some(permissions) = &target.existing {
        let _ = disk.set_permissions(staging.path(), permissions.clone());
    }
    staging.rename_to(&target.path).map_err(|error| match error.kind() {
        io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
            let message = format!("{} came into being meanwhile", target.path.display());
            Failure::Stopped(Error::new(Code::TargetNotEmpty, message).hint("another run may have made it"))
        }
        _ => Failure::of("write", &target.path, &error),
    })?;
    Ok(applied)
}

fn within(disk: &impl Disk, target: &Target, plan: &Plan) -> Result<Applied> {
    let root = &target.path;
    sweep(disk, root);
    let mut staging =
        Staging::create(disk, root).map_err(|error| failed("create a folder in", root, &error))?;
    let journal = Journal::write(disk, staging.path(), root, plan)?;
    staging.complete().map_err(|error| failed("rename", staging.path(), &error))?;
    finish(disk, &mut staging, &journal, root)
}

fn resume_on(disk: &impl Disk, target: &Target) -> Result<Resumed> {
    let Some(ready) = &target.unfinished else {
        sweep(disk, &target.path);
        return Ok(Resumed::Nothing);
    };
    let Some(mut staging) = Staging::adopt(disk, ready) else {
        return Err(Error::new(
            Code::TargetNotEmpty,
            format!("another run writes to {}", target.path.display()),
        ));
    };
    let journal = Journal::read(staging.path())?;
    match journal.expected(staging.path(), &target.path) {
        Ok(()) => finish(disk, &mut staging, &journal, &target.path).map(|_| Resumed::Finished),
        Err(error) if journal.only_creates() => Err(error),
        Err(_) => {
            journal.undo(disk, staging.path(), &target.path)?;
            staging.retire();
            Ok(Resumed::Undone)
        }
    }
}

/// Carries out a complete journal; on an error it is undone, and the error is given.
fn finish<D: Disk>(
    disk: &D,
    staging: &mut Staging<'_, D>,
    journal: &Journal,
    root: &Path,
) -> Result<Applied> {
    let done = journal
        .carry_out(disk, staging.path(), root)
        .and_then(|()| put_under_git(disk, root, journal.git_init));
    if done.is_ok() || journal.undo(disk, staging.path(), root).is_ok() {
        staging.retire();
    } else {
        staging.keep();
    }
    done
}

/// Writes all new files of `plan` below `root`, each folder made once.
fn fill(disk: &impl Disk, root: &Path, plan: &Plan) -> Result<()> {
    let mut made = BTreeSet::new();
    for action in &plan.actions {
        if let Some((path, file)) = action.writes() {
            put(disk, root, path, file, &mut made)?;
        }
    }
    Ok(())
}

fn put<'path>(
    disk: &impl Disk,
    root: &Path,
    path: &'path RepoPath,
    file: &File,
    made: &mut BTreeSet<&'path str>,
) -> Result<()> {
    for folder in path.folders() {
        if made.insert(folder) {
            let folder = root.join(folder);
            disk.create_dir(&folder).map_err(|error| failed("create", &folder, &error))?;
        }
    }
    let place = path.below(root);
    disk.create_file(&place, &file.bytes, file.mode).map_err(|error| failed("write", &place, &error))
}

/// Makes `folder` a git repository if that is wanted; only who asked for git by name is stopped when it fails.
fn put_under_git(disk: &impl Disk, folder: &Path, wanted: Option<Required>) -> Result<Applied> {
    let Some(required) = wanted else { return Ok(Applied::default()) };
    match git::init(folder) {
        Ok(()) => Ok(Applied { git: true, warnings: Vec::new() }),
        Err(error) => {
            let _ = disk.remove_dir_all(&folder.join(target::GIT));
            if required {
                return Err(error.hint("install git, or say --vcs none"));
            }
            let warning = format!("{}, so the server is not under version control", error.message);
            Ok(Applied { git: false, warnings: vec![warning] })
        }
    }
}

/// Whether the disk is as `action` expects it.
fn expected(root: &Path, action: &Action) -> Result<()> {
    match action {
        Action::Create { path, .. } => vacant(root, path),
        Action::Write { path, before, .. }
        | Action::Conflict { path, before, .. }
        | Action::Delete { path, before }
        | Action::Chmod { path, before, .. } => holds(root, path, before),
        Action::Keep { .. } | Action::GitInit { .. } => Ok(()),
    }
}

fn vacant(root: &Path, path: &RepoPath) -> Result<()> {
    if read::metadata(root, path).is_ok_and(|found| found.is_none()) {
        return Ok(());
    }
    let message = format!("{} is in the way of what belongs there", path.below(root).display());
    Err(Error::new(Code::TargetNotEmpty, message).hint("move it away and run the same command again"))
}

fn holds(root: &Path, path: &RepoPath, before: &str) -> Result<()> {
    if read::file(root, path)?.is_some_and(|file| file.sha256() == before) {
        return Ok(());
    }
    let message = format!("{} was changed while the command was at work", path.below(root).display());
    Err(Error::new(Code::DiskChanged, message).hint("run the same command again"))
}

/// An error of the system in words that say what to do.
fn failed(action: &str, path: &Path, error: &io::Error) -> Error {
    use io::ErrorKind::{FileTooLarge, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    let (code, reason, hint) = match error.kind() {
        PermissionDenied => (
            Code::PermissionDenied,
            "permission denied",
            "choose a place you can write to, or change its permissions",
        ),
        ReadOnlyFilesystem => {
            (Code::PermissionDenied, "the file system is read-only", "choose a place that can be written to")
        }
        StorageFull | QuotaExceeded | FileTooLarge => {
            (Code::NoSpace, "no space is left", "free some space, or choose another place")
        }
        _ => return Error::new(Code::Io, format!("cannot {action} {}: {error}", path.display())),
    };
    Error::new(code, format!("cannot {action} {}: {reason}", path.display())).hint(hint)
}
