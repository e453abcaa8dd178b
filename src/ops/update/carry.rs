//! What has been decided, as a plan: every file, what going back needs, and the manifest last.

use std::collections::BTreeMap;

use crate::error::{Code, Error, Result};
use crate::git;
use crate::merge;
use crate::ops::update::decide::{Conflict, Decision, Fate};
use crate::ops::update::disk::Found;
use crate::ops::update::pending;
use crate::path::RepoPath;
use crate::plan::{Action, Plan};
use crate::read;
use crate::repo;
use crate::repo::manifest::Manifest;
use crate::template::render::Rendered;
use crate::write::Target;

/// All changes, the manifest's last, and what going back needs if the user has to look at some files.
pub(super) fn plan(
    target: &Target,
    files: &[Decision],
    manifest: &Manifest,
    rendered: &Rendered,
) -> Result<Plan> {
    let mut plan = Plan { actions: files.iter().flat_map(|file| file.actions.iter().cloned()).collect() };
    let own = repo::own_files(manifest, &rendered.tree)?;
    plan.actions.extend(Plan::bring(&read::files(&target.path, own.keys())?, own).actions);
    let (mut marked, mut beside, mut conflicts) = (Vec::new(), Vec::new(), false);
    for file in files {
        match &file.fate {
            Fate::Conflict(Conflict::Marked { .. }) => marked.push(file.path.clone()),
            Fate::Conflict(Conflict::Binary { beside: path }) => beside.push(path.clone()),
            Fate::Conflict(_) => {}
            _ => continue,
        }
        conflicts = true;
    }
    if conflicts {
        let mut first = pending::record(target, &plan, marked, beside)?;
        first.actions.append(&mut plan.actions);
        plan = first;
    }
    Ok(plan)
}

/// What changes in each file, as `git diff` prints it.
pub(super) fn diff(files: &[Decision], disk: &BTreeMap<RepoPath, Found>) -> String {
    let there = |path: &RepoPath| match disk.get(path) {
        Some(Found::File(file)) => Some(file),
        _ => None,
    };
    let actions = files.iter().flat_map(|file| &file.actions);
    actions
        .map(|action| match action {
            Action::Create { path, file } => merge::patch(path.as_str(), None, Some(&file.bytes)),
            Action::Write { path, file, .. } | Action::Conflict { path, file, .. } => {
                merge::patch(path.as_str(), there(path).map(|file| &*file.bytes), Some(&file.bytes))
            }
            Action::Delete { path, .. } => {
                merge::patch(path.as_str(), there(path).map(|file| &*file.bytes), None)
            }
            Action::Chmod { path, mode, .. } => format!("mode of {path} becomes {:o}\n", mode.bits()),
            Action::Keep { .. } | Action::GitInit(_) => String::new(),
        })
        .collect()
}

/// Refuses to change what git could not bring back.
pub(super) fn committed(target: &Target, plan: &Plan) -> Result<()> {
    let hint = "commit first, or say --allow-dirty";
    let Some(uncommitted) = git::uncommitted(&target.path)? else {
        let message = format!(
            "{} is not under version control: an update could not be taken back",
            target.path.display()
        );
        return Err(
            Error::new(Code::WorkTreeDirty, message).hint("say --allow-dirty to update it all the same")
        );
    };
    let untracked = |path: &String| plan.changes().any(|action| action.path() == path);
    let first =
        uncommitted.changed.first().or_else(|| uncommitted.untracked.iter().find(|path| untracked(path)));
    match first {
        None => Ok(()),
        Some(path) => Err(Error::new(Code::WorkTreeDirty, format!("{path} is not committed")).hint(hint)),
    }
}
