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
