//! Where a repository should go, and whether it can: looked at before anything is written.

use std::fs::{self, Metadata, Permissions};
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Code, Error, Result};
use crate::write::{failed, staging};

/// Where git keeps a repository; a folder that holds nothing else is as good as an empty one.
pub(super) const GIT: &str = ".git";

/// A place that can take a repository.
#[derive(Debug)]
pub struct Target {
    /// The place, without symbolic links.
    pub path: PathBuf,
    /// The permissions of the empty folder that is there already.
    pub(super) existing: Option<Permissions>,
    /// Whether the folder must stay the same folder: a shell stands in it, something is mounted on it, or it
    /// is a git repository already.
    pub(super) in_place: bool,
    /// What a killed run completed there but did not move to its place.
    pub(super) unfinished: Option<PathBuf>,
}

impl Target {
    /// Looks at `path`.
    ///
    /// # Errors
    /// When something is there already, or nothing can be made there.
    pub fn inspect(path: &Path) -> Result<Self> {
        match path.symlink_metadata() {
            Ok(_) => Self::existing(path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::missing(path),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                Err(in_the_way(path, "a part of its path is a file"))
            }
            Err(error) => Err(failed("read", path, &error)),
        }
    }

    /// The repository that lies in `folder`, or a folder that is yet to be made.
    ///
    /// # Errors
    /// When something else is there, or nothing can be made there.
    pub fn open(folder: &Path) -> Result<Self> {
        match folder.symlink_metadata() {
            Err(_) => Self::inspect(folder),
            Ok(_) => {
                let (path, metadata) = resolved(folder)?;
                let unfinished = staging::completed(&path);
                Ok(Self { path, existing: Some(metadata.permissions()), in_place: true, unfinished })
            }
        }
    }

    /// Whether the folder is a git repository already.
    pub fn is_git(&self) -> bool {
        self.path.join(GIT).exists()
    }

    /// Whether an earlier run was killed while it moved its files into the target.
    pub const fn is_unfinished(&self) -> bool {
        self.unfinished.is_some()
    }

    /// The folder that holds the target.
    pub(super) fn parent(&self) -> &Path {
        self.path.parent().unwrap_or(&self.path)
    }

    fn missing(path: &Path) -> Result<Self> {
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let Some(name) = path.file_name() else {
            let message = format!("the folder {} does not exist", path.display());
            return Err(Error::new(Code::TargetParentMissing, message));
        };
        let parent = parent.canonicalize().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::new(
                Code::TargetParentMissing,
                format!("the folder {} does not exist", parent.display()),
            )
            .hint("make it first, or choose another place"),
            _ => failed("read", parent, &error),
        })?;
        if !parent.is_dir() {
            return Err(in_the_way(&parent, "it is not a folder"));
        }
        Ok(Self { path: parent.join(name), existing: None, in_place: false, unfinished: None })
    }

    fn existing(given: &Path) -> Result<Self> {
        let (path, metadata) = resolved(given)?;
        let unfinished = staging::completed(&path);
        let found = entries(&path).map_err(|error| failed("read", given, &error))?;
        if let Some(first) = found.first().filter(|_| unfinished.is_none()) {
            let more = if found.len() > 1 { " and more" } else { "" };
            return Err(Error::new(
                Code::TargetNotEmpty,
                format!("{} is not empty: it holds {first}{more}", given.display()),
            )
            .hint("choose a folder that does not exist yet or is empty"));
        }
        let in_place = is_current(&path) || is_mount_point(&path) || path.join(GIT).exists();
        Ok(Self { existing: Some(metadata.permissions()), in_place, unfinished, path })
    }
}

/// The folder at `given`, without symbolic links.
fn resolved(given: &Path) -> Result<(PathBuf, Metadata)> {
    let path = given.canonicalize().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => in_the_way(given, "it is a symbolic link to nothing"),
        _ => failed("read", given, &error),
    })?;
    let metadata = path.metadata().map_err(|error| failed("read", given, &error))?;
    if metadata.is_dir() { Ok((path, metadata)) } else { Err(in_the_way(given, "it is not a folder")) }
}

fn in_the_way(path: &Path, reason: &str) -> Error {
    Error::new(Code::TargetNotADirectory, format!("cannot write to {}: {reason}", path.display()))
        .hint("choose a folder that does not exist yet or is empty")
}

/// The entries of a folder but for git's own and for what killed runs left in it.
fn entries(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        if !staging::is_ours(&name) && name != GIT {
            names.push(name.to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

fn is_current(path: &Path) -> bool {
    std::env::current_dir().and_then(fs::canonicalize).is_ok_and(|current| current == path)
}

#[cfg(unix)]
fn is_mount_point(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let device = |path: &Path| path.metadata().ok().map(|metadata| metadata.dev());
    path.parent().is_none_or(|parent| device(parent) != device(path))
}

#[cfg(not(unix))]
fn is_mount_point(path: &Path) -> bool {
    path.parent().is_none()
}
