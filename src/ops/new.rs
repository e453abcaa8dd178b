//! Writes a new repository: answers → tree → plan → disk.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::error::{Code, Error, Result};
use crate::git;
use crate::plan::{Action, Plan};
use crate::repo::manifest::{self, Manifest};
use crate::repo::{self, Repository};
use crate::template::Template;
use crate::template::answers::{Answers, NAME};
use crate::template::origin::Origin;
use crate::template::render::render;
use crate::write::{self, Resumed, Sink, Target};

/// What to make, and where.
#[derive(Debug)]
pub struct Request {
    /// Where the repository goes.
    pub target: PathBuf,
    /// What it is made from.
    pub template: Template,
    /// Where that is from, when it is not the tool's own.
    pub origin: Option<Origin>,
    /// What makes it this server's.
    pub answers: Answers,
    /// Whether it becomes a git repository; unsaid, it does where it lies in none and git is there.
    pub git: Option<bool>,
    /// Whether only the plan is wanted.
    pub dry_run: bool,
}

/// What was made, or would be.
#[derive(Debug, Serialize)]
pub struct Made {
    /// The server's name.
    pub name: String,
    /// Its language.
    pub language: String,
    /// The version of the language's template.
    pub template_version: String,
    /// Where it is, without symbolic links.
    pub path: String,
    /// How many files it has.
    pub files: usize,
    /// Whether it is a git repository of its own.
    pub git: bool,
    /// Whether nothing was written.
    pub dry_run: bool,
    /// What was carried out, or would be.
    pub plan: Plan,
    /// What the user should know although all went well.
    #[serde(skip)]
    pub warnings: Vec<String>,
}

/// Whether a repository could be made in `target`.
///
/// # Errors
/// When something is there already, or nothing can be made there.
pub fn check_target(target: &Path) -> Result<()> {
    Target::inspect(target).map(drop)
}

/// Carries out `request`.
///
/// # Errors
/// When the target cannot take a repository; the disk is then as it was.
pub fn run(request: &Request) -> Result<Made> {
    let target = Target::inspect(&request.target)?;
    if !request.dry_run && write::resume(&target)? != Resumed::Nothing {
        return made_before(&target);
    }
    let mut plan = plan(request)?;
    let files = plan.actions.len();
    match request.git {
        None if !git::encloses(&target.path) => plan.actions.push(Action::GitInit(false)),
        Some(true) if !target.is_git() => plan.actions.push(Action::GitInit(true)),
        _ => {}
    }
    let applied = write::apply(&target, &plan, Sink::dry(request.dry_run))?;
    Ok(Made {
        name: request.answers.name.clone(),
        language: request.template.language.clone(),
        template_version: request.template.spec.template.version.clone(),
        path: target.path.to_string_lossy().into_owned(),
        files,
        git: if request.dry_run { plan.git_init().is_some() } else { applied.git },
        dry_run: request.dry_run,
        plan,
        warnings: applied.warnings,
    })
}

/// What is written for the template and the answers: the rendered files, their manifest, and the base of updates.
fn plan(request: &Request) -> Result<Plan> {
    let Request { template, origin, answers, .. } = request;
    let rendered = render(template, answers)?;
    let manifest = Manifest::of(template, answers, &rendered).from(origin.clone());
    let own = repo::own_files(&manifest, &rendered.tree)?;
    let mut tree = rendered.tree;
    tree.extend(own);
    Ok(Plan::create(tree))
}

/// What a killed run had completed and this one put in its place, whatever the answers are this time.
fn made_before(target: &Target) -> Result<Made> {
    let missing = || Error::new(Code::ManifestBroken, format!("{} is missing", manifest::PATH));
    let manifest = Repository::find(&target.path)?.ok_or_else(missing)?.manifest;
    Ok(Made {
        name: manifest.answers.get(NAME).cloned().unwrap_or_default(),
        git: target.is_git(),
        language: manifest.language,
        template_version: manifest.template_version,
        path: target.path.to_string_lossy().into_owned(),
        files: manifest.files.len() + repo::OWN_FILES,
        dry_run: false,
        plan: Plan::default(),
        warnings: vec!["an earlier run was interrupted here; it was finished, with its answers".to_owned()],
    })
}
