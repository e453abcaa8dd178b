//! The only place that changes a disk. A repository appears whole under its name or not at all.
//!
//! It is written to a staging folder on the same file system, beside the target, and then renamed. Where the
//! target must stay the same folder (a shell stands in it, something is mounted on it, or its parent cannot be
//! written to), the staging folder lies inside it and its entries are moved up one by one; once it is complete it
//! carries a name that says so, and a run that is killed in between is finished by the next one. Nothing that is
//! not ours is ever overwritten or removed.

mod disk;
mod replace;
mod staging;
mod target;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;

use crate::error::{Code, Error, Result};
use crate::plan::{Action, Plan};
use disk::{Disk, Real};
pub use replace::replace;
use staging::{Staging, sweep};
pub use target::Target;

/// Moved last, so that a repository which has it is complete.
const LAST: &str = ".cargo-mcp";

/// What is done in the staging folder once all files are there.
pub type Finish<'a> = &'a mut dyn FnMut(&Path) -> Result<()>;

/// Carries out `plan` in `target`; `finish` has the last word before the result gets its name.
///
/// # Errors
/// When the disk refuses; it is then as it was.
pub fn create(target: &Target, plan: &Plan, finish: Finish<'_>) -> Result<()> {
    create_on(&Real, target, plan, finish)
}

/// Finishes what a killed run completed in `target` but did not move to its place.
///
/// # Errors
/// When something stands in the way, or another run is at it.
pub fn resume(target: &Target) -> Result<()> {
    resume_on(&Real, target)
}

fn create_on(disk: &impl Disk, target: &Target, plan: &Plan, finish: Finish<'_>) -> Result<()> {
    if !target.in_place {
        match beside(disk, target, plan, finish) {
            Err(Failure::Unsuitable(_)) if target.existing.is_some() => {}
            Err(Failure::Unsuitable(error) | Failure::Stopped(error)) => return Err(error),
            Ok(()) => return Ok(()),
        }
    }
    within(disk, target, plan, finish)
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

fn beside(disk: &impl Disk, target: &Target, plan: &Plan, finish: Finish<'_>) -> Result<(), Failure> {
    let parent = target.parent();
    sweep(disk, parent);
    let mut staging =
        Staging::create(disk, parent).map_err(|error| Failure::of("create a folder in", parent, &error))?;
    fill(disk, staging.path(), plan).and_then(|()| finish(staging.path())).map_err(Failure::Stopped)?;
    if let Some(permissions) = &target.existing {
        let _ = disk.set_permissions(staging.path(), permissions.clone());
    }
    staging.rename_to(&target.path).map_err(|error| match error.kind() {
        io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
            let message = format!("{} came into being meanwhile", target.path.display());
            Failure::Stopped(Error::new(Code::TargetNotEmpty, message).hint("another run may have made it"))
        }
        _ => Failure::of("write", &target.path, &error),
    })
}

fn within(disk: &impl Disk, target: &Target, plan: &Plan, finish: Finish<'_>) -> Result<()> {
    let folder = &target.path;
    sweep(disk, folder);
    let mut staging =
        Staging::create(disk, folder).map_err(|error| failed("create a folder in", folder, &error))?;
    fill(disk, staging.path(), plan)?;
    finish(staging.path())?;
    staging.complete().map_err(|error| failed("rename", staging.path(), &error))?;
    move_up(disk, &mut staging, folder)
}

fn resume_on(disk: &impl Disk, target: &Target) -> Result<()> {
    let Some(ready) = &target.unfinished else { return Ok(()) };
    let Some(mut staging) = Staging::adopt(disk, ready) else {
        return Err(Error::new(
            Code::TargetNotEmpty,
            format!("another run writes to {}", target.path.display()),
        ));
    };
    move_up(disk, &mut staging, &target.path)
}

/// Writes all files of `plan` below `root`, each folder made once.
fn fill(disk: &impl Disk, root: &Path, plan: &Plan) -> Result<()> {
    let mut made = BTreeSet::new();
    for Action::Create(path, file) in &plan.actions {
        for folder in path.folders() {
            if made.insert(folder) {
                let folder = root.join(folder);
                disk.create_dir(&folder).map_err(|error| failed("create", &folder, &error))?;
            }
        }
        let place = path.below(root);
        disk.create_file(&place, &file.bytes, file.mode).map_err(|error| failed("write", &place, &error))?;
    }
    Ok(())
}

/// Moves the entries of a complete staging folder to `folder`, and takes them back if one cannot be moved.
fn move_up<D: Disk>(disk: &D, staging: &mut Staging<'_, D>, folder: &Path) -> Result<()> {
    let ready = staging.path().to_owned();
    let mut names = entries(&ready).map_err(|error| failed("read", &ready, &error))?;
    names.sort_by_key(|name| (name == LAST, name.clone()));
    if let Some(name) = names.iter().find(|name| folder.join(name).symlink_metadata().is_ok()) {
        return Err(Error::new(
            Code::TargetNotEmpty,
            format!("{} is in the way of what belongs there", folder.join(name).display()),
        )
        .hint("move it away and run the same command again"));
    }
    for (done, name) in names.iter().enumerate() {
        if let Err(error) = disk.rename(&ready.join(name), &folder.join(name)) {
            let back = |name: &OsString| disk.rename(&folder.join(name), &ready.join(name)).is_ok();
            if !names[..done].iter().rev().all(back) {
                staging.keep();
            }
            return Err(failed("write", &folder.join(name), &error));
        }
    }
    // All is in place; an empty folder that resists changes nothing about that, and the next run sees to it.
    let _ = disk.remove_dir(&ready);
    staging.keep();
    Ok(())
}

fn entries(folder: &Path) -> io::Result<Vec<OsString>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect()
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
