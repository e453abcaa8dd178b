//! What is on the disk where a template has, or had, a file.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Code, Error, Result};
use crate::merge;
use crate::path::RepoPath;
use crate::read;
use crate::repo::manifest::Manifest;
use crate::tree::File;
use crate::write::Target;

/// What is at a path.
#[derive(Debug)]
pub enum Found {
    /// A file.
    File(File),
    /// Something that is not written to, and what is odd about it.
    Odd(String),
}

/// What is at each of `paths` in `target`; nothing is left out.
pub fn found<'a>(target: &Target, paths: impl Iterator<Item = &'a RepoPath>) -> BTreeMap<RepoPath, Found> {
    let paths: BTreeSet<&RepoPath> = paths.collect();
    let found = |path: &RepoPath| match read::file(&target.path, path) {
        Ok(file) => file.map(Found::File),
        Err(error) => Some(Found::Odd(error.message)),
    };
    paths.into_iter().filter_map(|path| Some((path.clone(), found(path)?))).collect()
}

/// Refuses what holds the markers of an earlier update.
pub(super) fn unmarked(manifest: &Manifest, disk: &BTreeMap<RepoPath, Found>) -> Result<()> {
    let generated = disk.iter().filter(|(path, _)| manifest.files.contains_key(*path));
    let marked = generated.filter_map(|(path, found)| match found {
        Found::File(file) => merge::left_over(&file.bytes).map(|line| format!("{path}:{line}")),
        Found::Odd(_) => None,
    });
    match marked.collect::<Vec<_>>() {
        places if places.is_empty() => Ok(()),
        places => {
            let message = format!("markers of an earlier update are left: {}", places.join(", "));
            Err(Error::new(Code::Unresolved, message).hint("choose between the sides first"))
        }
    }
}
