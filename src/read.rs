//! Disk → tree. A repository may come from anyone: no link is followed, and no file is read without end.

use std::borrow::Cow;
use std::fs::{self, Metadata};
use std::io::{self, Read as _};
use std::path::Path;

use crate::error::{Code, Error, Result};
use crate::path::RepoPath;
use crate::tree::{File, Mode, Tree};

/// How long a file may be: nothing that is generated, or that people write by hand, comes near it.
const MAX_BYTES: u64 = 16 << 20;

/// Those of `paths` that are files below `root`.
///
/// # Errors
/// When something else than a file is there, when a folder on the way is a link, or when a file is too long.
pub fn files<'a>(root: &Path, paths: impl IntoIterator<Item = &'a RepoPath>) -> Result<Tree> {
    let mut tree = Tree::new();
    for path in paths {
        if let Some(file) = file(root, path)? {
            tree.insert(path.clone(), file);
        }
    }
    Ok(tree)
}

/// How much a folder may hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many files.
    pub files: usize,
    /// How many bytes they have in all.
    pub bytes: usize,
}

/// All files below `root`, but for what git keeps there.
///
/// # Errors
/// As for several, and when there are more than `limits` allow.
pub fn tree(root: &Path, limits: Limits) -> Result<Tree> {
    let mut tree = Tree::new();
    let mut left = limits.bytes;
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let cannot = |error: io::Error| {
            Error::new(Code::Unreadable, format!("cannot read {}: {error}", folder.display()))
        };
        for entry in fs::read_dir(&folder).map_err(cannot)? {
            let entry = entry.map_err(cannot)?;
            if folder == root && entry.file_name() == ".git" {
                continue;
            }
            if entry.file_type().map_err(cannot)?.is_dir() {
                folders.push(entry.path());
                continue;
            }
            let place = entry.path();
            let name = place.strip_prefix(root).unwrap_or(&place).to_str();
            let name = name.ok_or_else(|| cannot(io::Error::other("a name in it is no text")))?;
            let path = RepoPath::new(name.replace(std::path::MAIN_SEPARATOR, "/"))?;
            let Some(file) = file(root, &path)? else { continue };
            left = left.checked_sub(file.bytes.len()).ok_or_else(|| too_much(root, limits))?;
            tree.insert(path, file);
            if tree.len() > limits.files {
                return Err(too_much(root, limits));
            }
        }
    }
    Ok(tree)
}

fn too_much(root: &Path, limits: Limits) -> Error {
    let Limits { files, bytes } = limits;
    let message = format!("{} holds more than {files} files or {bytes} bytes", root.display());
    Error::new(Code::Unreadable, message).hint("give a folder that holds nothing else")
}

/// The file at `path` below `root`; none where nothing is.
///
/// # Errors
/// As for several.
pub fn file(root: &Path, path: &RepoPath) -> Result<Option<File>> {
    let Some(metadata) = metadata(root, path)? else { return Ok(None) };
    if metadata.len() > MAX_BYTES {
        return Err(odd(path, &format!("it is longer than {} MiB", MAX_BYTES >> 20)));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default());
    fs::File::open(path.below(root))
        .and_then(|file| file.take(MAX_BYTES).read_to_end(&mut bytes))
        .map_err(|error| odd(path, &error.to_string()))?;
    Ok(Some(File { bytes: Cow::Owned(bytes), mode: mode(&metadata) }))
}

/// What the system says of the file at `path` below `root`; none where nothing is.
///
/// # Errors
/// When something else than a file is there, or a folder on the way is a link.
pub fn metadata(root: &Path, path: &RepoPath) -> Result<Option<Metadata>> {
    for folder in path.folders() {
        match root.join(folder).symlink_metadata() {
            Ok(found) if found.is_dir() => {}
            Ok(_) => return Err(odd(path, &format!("{folder} is no folder"))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(odd(path, &error.to_string())),
        }
    }
    match path.below(root).symlink_metadata() {
        Ok(found) if found.is_file() => Ok(Some(found)),
        Ok(found) if found.is_symlink() => Err(odd(path, "it is a symbolic link")),
        Ok(_) => Err(odd(path, "it is no file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(odd(path, &error.to_string())),
    }
}

/// Git's two modes, of which some systems know only one.
pub fn mode(metadata: &Metadata) -> Mode {
    #[cfg(unix)]
    let executable = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o100 != 0;
    #[cfg(not(unix))]
    let executable = {
        let _ = metadata;
        false
    };
    if executable { Mode::Executable } else { Mode::Plain }
}

fn odd(path: &RepoPath, reason: &str) -> Error {
    Error::new(Code::Unreadable, format!("cannot read {path}: {reason}"))
        .hint("a plain file belongs there, or nothing")
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests prepare the disk")]
mod tests {
    use super::*;

    fn path(path: &str) -> RepoPath {
        RepoPath::new(path).unwrap()
    }

    #[test]
    fn what_is_not_there_is_left_out() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("a"), "1").unwrap();
        let tree = files(root.path(), &[path("a"), path("b"), path("no/such/folder")]).unwrap();
        assert_eq!(tree.into_keys().collect::<Vec<_>>(), [path("a")]);
    }

    #[cfg(unix)]
    #[test]
    fn no_link_is_followed_and_no_endless_file_is_read() {
        let root = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "s").unwrap();
        std::os::unix::fs::symlink(outside.path(), root.path().join("folder")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret"), root.path().join("file")).unwrap();
        fs::File::create(root.path().join("long")).unwrap().set_len(MAX_BYTES + 1).unwrap();
        fs::create_dir(root.path().join("is-folder")).unwrap();
        for name in ["folder/secret", "file", "long", "is-folder"] {
            let error = file(root.path(), &path(name)).unwrap_err();
            assert_eq!(error.code, Code::Unreadable, "{name}");
        }
    }
}
