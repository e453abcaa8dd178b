//! Takes a repository under management: what the template has and it lacks is written, and nothing of it is changed.
//!
//! A file that is there may have come from the template: then updates merge into it from now on. Else it is its owner's,
//! and no update touches it.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::error::{Code, Error, Result};
use crate::merge;
use crate::ops::update::disk::{self, Found};
use crate::path::RepoPath;
use crate::plan::{Action, Plan};
use crate::read;
use crate::repo::manifest::Manifest;
use crate::repo::{self, Repository};
use crate::template::answers::Answers;
use crate::template::origin::Origin;
use crate::template::render::render;
use crate::template::spec::Policy;
use crate::template::{Library, Template};
use crate::write::{self, Sink, Target};

/// What to adopt, and as what.
#[derive(Debug)]
pub struct Request {
    /// The repository.
    pub folder: PathBuf,
    /// The template that it is held against.
    pub template: Template,
    /// Where that is from, when it is not the tool's own.
    pub origin: Option<Origin>,
    /// What makes it this server's.
    pub answers: Answers,
    /// Whether only the plan is wanted.
    pub dry_run: bool,
}

/// What was done, or would be.
#[derive(Debug, Serialize)]
pub struct Adopted {
    /// Where the repository is, without symbolic links.
    pub path: String,
    /// The language.
    pub language: String,
    /// The version of the template.
    pub template_version: String,
    /// Whether nothing was written.
    pub dry_run: bool,
    /// What becomes of each file that the template has, but for those that are as it has them.
    pub files: Vec<Taken>,
    /// How many files are as the template has them.
    pub same: usize,
}

/// What becomes of a file.
#[derive(Debug, Serialize)]
pub struct Taken {
    /// The file.
    pub path: RepoPath,
    /// What becomes of it.
    #[serde(flatten)]
    pub fate: Fate,
}

/// What becomes of a file.
#[derive(Debug, Serialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Fate {
    /// It was not there.
    Create,
    /// It is much like the template's: updates merge into it.
    Merge,
    /// It is its owner's: no update touches it.
    Keep,
    /// It cannot be there: what is in its place is left alone.
    Leave {
        /// What is in its place.
        reason: String,
    },
}

/// The language whose project file lies in `folder`.
///
/// # Errors
/// When that of none does, or of several.
pub fn language(library: &Library, folder: &Path) -> Result<Template> {
    let all = library.all()?;
    let languages: Vec<_> = all.iter().map(|template| template.language.clone()).collect();
    let is_there = |template: &Template| folder.join(&template.facts.manifest_file).is_file();
    let mut found: Vec<_> = all.into_iter().filter(is_there).collect();
    match (found.pop(), found.is_empty()) {
        (Some(template), true) => Ok(template),
        (found, _) => {
            let several = if found.is_some() { "several languages" } else { "no language" };
            let message = format!("{} has the project file of {several}", folder.display());
            let error = Error::new(Code::LanguageUnknown, message);
            Err(error.hint(format!("say --lang with one of {}", languages.join(", "))))
        }
    }
}

/// Carries out `request`.
///
/// # Errors
/// When it is under management already, or the disk refuses; it is then as it was.
pub fn run(request: &Request) -> Result<Adopted> {
    let Request { template, answers, .. } = request;
    let mut target = Target::open(&request.folder)?;
    if !request.dry_run {
        write::resume(&target)?;
        target = Target::open(&request.folder)?;
    }
    if !target.path.is_dir() {
        let message = format!("there is no folder {}", target.path.display());
        return Err(Error::new(Code::NotGenerated, message).hint("cargo mcp new makes a repository"));
    }
    if Repository::find(&target.path)?.is_some() {
        let message = format!("{} is under management already", target.path.display());
        return Err(Error::new(Code::Managed, message).hint("cargo mcp update brings it up to date"));
    }
    let rendered = render(template, answers)?;
    let mut manifest = Manifest::of(template, answers, &rendered).from(request.origin.clone());
    let disk = disk::found(&target, rendered.tree.keys());
    let (mut plan, mut files) = (Plan::default(), Vec::new());
    for (path, file) in &rendered.tree {
        let fate = match disk.get(path) {
            None => Fate::Create,
            Some(Found::Odd(reason)) => Fate::Leave { reason: reason.clone() },
            Some(Found::File(yours)) if yours.bytes == file.bytes => continue,
            Some(Found::File(yours)) => {
                let managed = rendered.policies.get(path) == Some(&Policy::Managed);
                if managed && merge::akin(&yours.bytes, &file.bytes) { Fate::Merge } else { Fate::Keep }
            }
        };
        match fate {
            Fate::Create => plan.actions.push(Action::Create { path: path.clone(), file: file.clone() }),
            Fate::Merge => {}
            Fate::Keep | Fate::Leave { .. } => manifest.leave(path),
        }
        files.push(Taken { path: path.clone(), fate });
    }
    let own = repo::own_files(&manifest, &rendered.tree)?;
    plan.actions.extend(Plan::bring(&read::files(&target.path, own.keys())?, own).actions);
    write::apply(&target, &plan, Sink::dry(request.dry_run))?;
    Ok(Adopted {
        path: target.path.to_string_lossy().into_owned(),
        language: manifest.language,
        template_version: manifest.template_version,
        dry_run: request.dry_run,
        same: rendered.tree.len() - files.len(),
        files,
    })
}
