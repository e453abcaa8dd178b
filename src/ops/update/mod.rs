//! Brings a generated repository up to newer templates: (what was rendered, what is there, what is rendered now) → plan.
//!
//! The manifest moves on with the files, in one step that is done whole or not at all. What the user wrote is in the
//! result, between the markers of a conflict, or was never touched.

mod asked;
mod carry;
pub mod decide;
pub mod disk;
pub mod fleet;
mod past;
pub mod pending;

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::Serialize;

use crate::error::{Code, Error, Result};
use crate::merge::Versions;
use crate::repo::Repository;
use crate::repo::manifest::Manifest;
use crate::template::answers::Given;
use crate::template::origin;
use crate::template::render::{Rendered, render};
use crate::write::{self, Resumed, Sink, Target};
use decide::{Decision, Fate, Sides, decide};
use pending::Pending;

/// What to update.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The repository.
    pub folder: PathBuf,
    /// Answers that change.
    pub given: Given,
    /// Deleted files that are wanted back.
    pub restore: Vec<String>,
    /// Whether it may be updated although git has not got all of it.
    pub allow_dirty: bool,
    /// Whether only the plan is wanted.
    pub dry_run: bool,
    /// Whether the text of each change is wanted.
    pub with_diff: bool,
}

/// How an update ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// There was nothing to do.
    UpToDate,
    /// It was brought up to the newest template, or could be.
    Updated,
    /// The same, and the user has to look at some files.
    Conflicts,
}

/// What was done, or would be.
#[derive(Debug, Serialize)]
pub struct Updated {
    /// How it ended.
    pub status: Status,
    /// Where the repository is, without symbolic links.
    pub path: String,
    /// Its language.
    pub language: String,
    /// The version of the template before.
    pub from: String,
    /// The version of the template now.
    pub to: String,
    /// Whether nothing was written.
    pub dry_run: bool,
    /// What becomes of each file that changes or needs to be looked at.
    pub files: Vec<Decision>,
    /// What to run next.
    pub next: Vec<String>,
    /// The text of each change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
    /// What the user should know although all went well.
    #[serde(skip)]
    pub warnings: Vec<String>,
}

/// Carries out `request`.
///
/// # Errors
/// When the folder is no repository of ours, is not in order, or the disk refuses; it is then as it was.
pub fn run(request: &Request) -> Result<Updated> {
    let (target, repository, mut warnings) = open(request)?;
    let before = &repository.manifest;
    let mut origin = before.template.clone();
    let template = origin::library(origin.as_mut(), &target.path)?.named(&before.language)?;
    asked::not_newer(before, &template)?;
    let answers = asked::answers(before, &template, &request.given)?;
    let rendered = render(&template, &answers)?;
    let unasked = if request.given.is_empty() {
        None
    } else {
        Some(render(&template, &asked::answers(before, &template, &Given::new())?)?)
    };
    let mut manifest = Manifest::of(&template, &answers, &rendered).from(origin);
    let disk = disk::found(&target, before.files.keys().chain(rendered.tree.keys()));
    disk::unmarked(before, &disk)?;
    let files = decide(&Sides {
        old: &before.files,
        base: &past::base(&repository, &disk, &rendered),
        disk: &disk,
        new: &rendered,
        restore: &asked::restore(&request.restore, before, &rendered, &target)?,
        unasked: unasked.as_ref().map(|rendered| &rendered.tree),
        versions: Versions { base: &before.template_version, new: &manifest.template_version },
    });
    manifest.keep(before);
    let mut updated = Updated {
        status: status(&files, manifest == *before),
        path: target.path.to_string_lossy().into_owned(),
        language: manifest.language.clone(),
        from: before.template_version.clone(),
        to: manifest.template_version.clone(),
        dry_run: request.dry_run,
        next: next(&files, &rendered),
        diff: request.with_diff.then(|| carry::diff(&files, &disk)),
        files,
        warnings: Vec::new(),
    };
    if updated.status != Status::UpToDate {
        let plan = carry::plan(&target, &updated.files, &manifest, &rendered)?;
        if !request.dry_run && !request.allow_dirty {
            carry::committed(&target, &plan)?;
        }
        warnings.extend(write::apply(&target, &plan, Sink::dry(request.dry_run))?.warnings);
    }
    updated.warnings = warnings;
    Ok(updated)
}

/// The repository, once nothing of an earlier update is in the way.
fn open(request: &Request) -> Result<(Target, Repository, Vec<String>)> {
    let mut target = Target::open(&request.folder)?;
    let mut warnings = Vec::new();
    if target.is_unfinished() && request.dry_run {
        let message = format!("an earlier run was interrupted in {}", target.path.display());
        return Err(Error::new(Code::Journal, message).hint("cargo mcp update finishes it"));
    }
    if !request.dry_run {
        match write::resume(&target)? {
            Resumed::Nothing => {}
            Resumed::Finished => {
                warnings.push("an earlier run was interrupted here: it was finished".to_owned());
            }
            Resumed::Undone => {
                warnings.push("an earlier run was interrupted here: it was taken back".to_owned());
            }
        }
        target = Target::open(&request.folder)?;
    }
    let repository = Repository::find(&target.path)?.ok_or_else(|| {
        let message = format!("{} is no repository that cargo mcp wrote", target.path.display());
        Error::new(Code::NotGenerated, message).hint("cargo mcp adopt takes one under management")
    })?;
    if let Some(pending) = Pending::read(&target)? {
        pending::resolved(&pending, &target)?;
        if !request.dry_run {
            write::apply(&target, &Pending::end(&target)?, Sink::Disk)?;
        }
    }
    Ok((target, repository, warnings))
}

fn status(files: &[Decision], same: bool) -> Status {
    if files.iter().any(|file| matches!(file.fate, Fate::Conflict(_))) {
        Status::Conflicts
    } else if same && files.is_empty() {
        Status::UpToDate
    } else {
        Status::Updated
    }
}

/// The commands to run after the update.
fn next(files: &[Decision], rendered: &Rendered) -> Vec<String> {
    let again = files.iter().filter_map(|file| match &file.fate {
        Fate::Stale { command } => Some(command),
        Fate::Merge => rendered.commands.get(&file.path),
        _ => None,
    });
    let again: BTreeSet<&String> = again.collect();
    let test = (!files.is_empty()).then(|| "make install lint test".to_owned());
    again.into_iter().cloned().chain(test).collect()
}
