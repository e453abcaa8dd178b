//! The files as they were rendered, from whatever still has them. A source counts for a file only if the digest is the
//! one that the manifest records: nothing is ever guessed.

use std::collections::BTreeMap;
use std::path::Path;

use crate::git;
use crate::ops::update::disk::Found;
use crate::path::RepoPath;
use crate::repo::Repository;
use crate::template::render::Rendered;
use crate::tree::{File, Tree};

/// The files as they were rendered, of those that somebody has changed.
pub(super) fn base(repository: &Repository, disk: &BTreeMap<RepoPath, Found>, rendered: &Rendered) -> Tree {
    let changed = disk.iter().filter(|(path, found)| match (repository.manifest.files.get(*path), found) {
        (Some(entry), Found::File(file)) => {
            file.sha256() != entry.sha256 || rendered.tree.get(*path).is_some_and(|new| new.mode != file.mode)
        }
        _ => false,
    });
    files(repository, changed.map(|(path, _)| path))
}

/// The files of `needed` as they were rendered: from the archive, else from the history.
fn files<'a>(repository: &Repository, needed: impl Iterator<Item = &'a RepoPath>) -> Tree {
    let mut needed = needed.peekable();
    if needed.peek().is_none() {
        return Tree::new();
    }
    let mut archive = repository.base().unwrap_or_default();
    let digests: BTreeMap<_, _> =
        needed.filter_map(|path| Some((path, &repository.manifest.files.get(path)?.sha256))).collect();
    digests
        .into_iter()
        .filter_map(|(path, digest)| {
            let archived = archive.remove(path).filter(|file| file.sha256() == *digest);
            let file = archived.or_else(|| in_history(&repository.folder, path, digest))?;
            Some((path.clone(), file))
        })
        .collect()
}

/// The file of this digest, if any commit that is here has it.
fn in_history(folder: &Path, path: &RepoPath, digest: &str) -> Option<File> {
    git::history(folder, path.as_str()).ok()?.into_iter().find_map(|(bytes, mode)| {
        let file = File { bytes: bytes.into(), mode };
        (file.sha256() == digest).then_some(file)
    })
}
