//! Folders in which a repository is written before it gets its name.
//!
//! Each is locked while its writer lives, so that the next run can tell one that was left behind by a killed
//! run, and sweep it, from one that another run is at work in. A folder whose lock cannot be told is left alone.

use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::path::{Path, PathBuf};

use crate::write::disk::Disk;

const STAGING: &str = ".cargo-mcp-staging-";
const READY: &str = ".cargo-mcp-ready-";
const RANDOM_DIGITS: usize = 16;
const ATTEMPTS: usize = 16;

/// A locked folder, removed when it is dropped unless it was put to use.
pub(super) struct Staging<'disk, D: Disk> {
    disk: &'disk D,
    path: PathBuf,
    lock: Option<File>,
    used: bool,
}

impl<'disk, D: Disk> Staging<'disk, D> {
    /// Makes and locks a new folder in `parent`.
    pub(super) fn create(disk: &'disk D, parent: &Path) -> io::Result<Self> {
        for _ in 0..ATTEMPTS {
            let path = parent.join(format!("{STAGING}{:016x}", RandomState::new().hash_one(parent)));
            match disk.create_dir(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error),
            }
            // Another run may sweep the folder before it is locked: then this one takes a new name.
            if let Lock::Held(lock) = Lock::try_on(&path)
                && path.symlink_metadata().is_ok()
            {
                return Ok(Self { disk, path, lock, used: false });
            }
        }
        Err(io::Error::other("another run sweeps this folder over and over"))
    }

    /// Takes over a folder that a killed run had completed.
    pub(super) fn adopt(disk: &'disk D, path: &Path) -> Option<Self> {
        match Lock::try_on(path) {
            Lock::Held(lock) => Some(Self { disk, path: path.to_owned(), lock, used: true }),
            Lock::Busy => None,
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the folder its final name, in one step.
    pub(super) fn rename_to(&mut self, target: &Path) -> io::Result<()> {
        self.disk.rename(&self.path, target)?;
        self.used = true;
        Ok(())
    }

    /// Marks the folder as complete: from now on it is never swept, but put to use by the next run.
    pub(super) fn complete(&mut self) -> io::Result<()> {
        let name = self.path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        let ready = self.path.with_file_name(name.replacen(STAGING, READY, 1));
        self.disk.rename(&self.path, &ready)?;
        self.path = ready;
        Ok(())
    }

    /// Gives the folder up: what it was for is done, and whatever is left of it is swept.
    pub(super) fn retire(&mut self) {
        let name = self.path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        let stale = self.path.with_file_name(name.replacen(READY, STAGING, 1));
        if self.disk.rename(&self.path, &stale).is_ok() {
            self.path = stale;
        }
        self.used = false;
    }

    /// Keeps the folder when it is dropped.
    pub(super) fn keep(&mut self) {
        self.used = true;
    }
}

impl<D: Disk> Drop for Staging<'_, D> {
    fn drop(&mut self) {
        if !self.used {
            let _ = self.disk.remove_dir_all(&self.path);
        }
        drop(self.lock.take());
    }
}

enum Lock {
    /// Locked, or on a file system without locks.
    Held(Option<File>),
    /// Locked by another process, or gone.
    Busy,
}

impl Lock {
    fn try_on(path: &Path) -> Self {
        match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::Busy,
            Err(_) => Self::Held(None),
            Ok(file) => match file.try_lock() {
                Ok(()) => Self::Held(Some(file)),
                Err(TryLockError::WouldBlock) => Self::Busy,
                Err(TryLockError::Error(_)) => Self::Held(None),
            },
        }
    }
}

/// Removes what killed runs left in `folder`.
pub(super) fn sweep(disk: &impl Disk, folder: &Path) {
    for path in left_behind(folder, STAGING) {
        if let Lock::Held(Some(_lock)) = Lock::try_on(&path) {
            let _ = disk.remove_dir_all(&path);
        }
    }
}

/// The complete folders that killed runs left in `folder`.
pub(super) fn completed(folder: &Path) -> Option<PathBuf> {
    left_behind(folder, READY).next()
}

/// Whether `name` is one of ours.
pub(super) fn is_ours(name: &OsStr) -> bool {
    is_named(name, STAGING) || is_named(name, READY)
}

fn left_behind(folder: &Path, prefix: &'static str) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let ours = entries.filter(move |entry| is_named(&entry.file_name(), prefix));
    ours.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path())
}

fn is_named(name: &OsStr, prefix: &str) -> bool {
    let random = name.to_str().and_then(|name| name.strip_prefix(prefix));
    random.is_some_and(|digits| {
        digits.len() == RANDOM_DIGITS
            && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    })
}
