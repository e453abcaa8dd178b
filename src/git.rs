//! The only place that runs git. Whether a folder is in a repository is found out without it.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::{Code, Error, Result};

/// Variables that would turn git to another repository, as they do inside its hooks.
const REDIRECTIONS: &[&str] = &[
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_WORK_TREE",
];

/// The `user.name` that git would commit with in `folder`.
#[must_use]
pub fn user_name(folder: &Path) -> Option<String> {
    let output = git(folder).args(["config", "--get", "user.name"]).stderr(Stdio::null()).output().ok()?;
    let name = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !name.is_empty()).then_some(name)
}

/// Makes `folder` a repository with the branch `main`.
///
/// # Errors
/// When git is missing or refuses.
pub fn init(folder: &Path) -> Result<()> {
    let output =
        git(folder).args(["init", "--quiet", "--initial-branch=main"]).output().map_err(|error| {
            let reason = match error.kind() {
                io::ErrorKind::NotFound => "git is not installed".to_owned(),
                _ => format!("git cannot be started: {error}"),
            };
            Error::new(Code::Git, reason)
        })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Error::new(
        Code::Git,
        format!("git init failed: {}", said.lines().next().unwrap_or("it did not say why")),
    ))
}

/// Whether `path` in `revision` is a folder; an error when it is not there.
///
/// # Errors
/// When there is no such revision or path.
pub fn is_tree(folder: &Path, revision: &str, path: &str) -> Result<bool> {
    let answer = object(folder, revision, path, &["cat-file", "-t"])?;
    Ok(answer.trim_ascii() == b"tree")
}

/// The bytes of a file in a revision.
///
/// # Errors
/// When there is no such file.
pub fn show(folder: &Path, revision: &str, path: &str) -> Result<Vec<u8>> {
    object(folder, revision, path, &["cat-file", "blob"])
}

/// A folder in a revision, as a tar archive.
///
/// # Errors
/// When there is no such folder.
pub fn archive(folder: &Path, revision: &str, path: &str) -> Result<Vec<u8>> {
    object(folder, revision, path, &["archive", "--format=tar"])
}

/// The last tag that looks like a release and that the checkout descends from.
#[must_use]
pub fn last_tag(folder: &Path) -> Option<String> {
    let arguments = ["describe", "--tags", "--abbrev=0", "--match=v[0-9]*.[0-9]*.[0-9]*"];
    let output = git(folder).args(arguments).stderr(Stdio::null()).output().ok()?;
    let tag = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !tag.is_empty()).then_some(tag)
}

fn object(folder: &Path, revision: &str, path: &str, arguments: &[&str]) -> Result<Vec<u8>> {
    let name = format!("{revision}:{}", path.trim_end_matches('/'));
    if revision.starts_with('-') {
        return Err(Error::new(Code::Git, format!("{name} is no revision")));
    }
    let output = git(folder)
        .args(arguments)
        .arg(&name)
        .output()
        .map_err(|error| Error::new(Code::Git, format!("git cannot be started: {error}")))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().next().unwrap_or("it did not say why").trim_start_matches("fatal: ").to_owned();
    Err(Error::new(Code::Git, format!("git does not know {name}: {said}")))
}

/// Whether `folder` lies in a repository.
#[must_use]
pub fn encloses(folder: &Path) -> bool {
    folder.ancestors().any(|ancestor| ancestor.join(".git").exists())
}

fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.current_dir(folder).stdin(Stdio::null());
    for variable in REDIRECTIONS {
        command.env_remove(variable);
    }
    command
}
