//! Where a template comes from, as a repository remembers it: a folder, or a revision of a git repository.
//!
//! Git is only asked for bytes: nothing is checked out, so that no hook or filter of a template runs.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::error::{Code, Error, Result};
use crate::git::{self, Fetched};
use crate::template::{Bytes, Library, overlay};

/// A template that is not the program's own.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The address of a git repository, or a folder, seen from the generated repository.
    pub from: String,
    /// The branch, tag or commit that is followed.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The commit that was used last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
}

impl Origin {
    /// What was given in the folder `here`.
    ///
    /// # Errors
    /// When the folder does not exist, or a reference is given for one.
    pub fn given(from: &str, reference: Option<&str>, here: &Path) -> Result<Self> {
        let origin = |from| Self { from, reference: reference.map(str::to_owned), revision: None };
        if is_address(from) {
            return Ok(origin(from.to_owned()));
        }
        if reference.is_some() {
            let message = format!("--ref asks for a git repository, and {from} is a folder");
            let error = Error::new(Code::Usage, message);
            return Err(error.hint("give its address, like file:///path or https://host/path"));
        }
        let folder = here.join(from).canonicalize();
        let folder = folder.map_err(|error| {
            Error::new(Code::Template, format!("cannot read the template {from}: {error}"))
        })?;
        Ok(origin(folder.to_string_lossy().into_owned()))
    }

    /// The origin as it is remembered: a folder that was not given from the root is seen from the repository in `target`.
    #[must_use]
    pub fn seen_from(self, target: &Path, given: &str) -> Self {
        if is_address(given) || Path::new(given).is_absolute() {
            return self;
        }
        let from = relative(Path::new(&self.from), &absolute(target));
        Self { from: from.to_string_lossy().replace('\\', "/"), ..self }
    }

    /// Loads the templates for the repository in `target`, and notes the commit that they are of.
    ///
    /// # Errors
    /// When they cannot be had or are broken.
    pub fn load(&mut self, target: &Path) -> Result<Library> {
        if !is_address(&self.from) {
            return of_folder(&absolute(target).join(&self.from));
        }
        let reference = self.reference.as_deref().unwrap_or("HEAD");
        let Fetched { revision, files } = fetched(&self.from, reference)?;
        self.revision = Some(revision);
        let files = files.into_iter().map(|(path, bytes)| (path, Bytes::Owned(bytes))).collect();
        overlay::laid(Library { origin: self.from.clone(), files, own: None })
    }
}

/// The templates in a folder: a template by itself, or a set of languages.
///
/// # Errors
/// When they cannot be read or are broken.
pub fn of_folder(folder: &Path) -> Result<Library> {
    overlay::laid(Library::folder(folder)?)
}

/// The templates of `origin` for the repository in `target`, or the program's own.
///
/// # Errors
/// When they cannot be had or are broken.
pub fn library(origin: Option<&mut Origin>, target: &Path) -> Result<Library> {
    origin.map_or_else(|| Ok(Library::embedded()), |origin| origin.load(target))
}

/// A revision is fetched once a run: many repositories get the same commit of it.
fn fetched(address: &str, reference: &str) -> Result<Fetched> {
    static KNOWN: Mutex<BTreeMap<[String; 2], Fetched>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let key = [address, reference].map(str::to_owned);
    if let Some(found) = known.get(&key) {
        return Ok(found.clone());
    }
    let found = git::fetched(address, reference)?;
    known.insert(key, found.clone());
    Ok(found)
}

/// Whether `from` is what git takes for another machine or a URL, and not a folder.
fn is_address(from: &str) -> bool {
    let host = from.split('/').next().unwrap_or_default();
    from.contains("://") || (host.contains('@') && host.contains(':'))
}

/// The path without links as far as it exists.
fn absolute(path: &Path) -> PathBuf {
    let parent =
        || path.parent().map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent });
    path.canonicalize().unwrap_or_else(|_| {
        match (parent().and_then(|p| p.canonicalize().ok()), path.file_name()) {
            (Some(parent), Some(name)) => parent.join(name),
            _ => path.to_owned(),
        }
    })
}

/// `to` as it is written in `from`.
fn relative(to: &Path, from: &Path) -> PathBuf {
    let same = to.components().zip(from.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(same).map(|_| Component::ParentDir);
    up.chain(to.components().skip(same)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_written_as_the_repository_sees_it() {
        let seen =
            |to: &str, from: &str| relative(Path::new(to), Path::new(from)).to_string_lossy().into_owned();
        assert_eq!(seen("/a/templates", "/a/servers/x"), "../../templates");
        assert_eq!(seen("/a/x/template", "/a/x"), "template");
        assert_eq!(seen("/b", "/a/x"), "../../b");
    }

    #[test]
    fn addresses_are_told_from_folders() {
        for address in ["https://host/x.git", "ssh://git@host/x", "git@host:x/y.git", "file:///x"] {
            assert!(is_address(address), "{address}");
        }
        for folder in ["../x", "/x/y", "x@y/z:w", "."] {
            assert!(!is_address(folder), "{folder}");
        }
    }
}
