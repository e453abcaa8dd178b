//! Writes a new repository: answers → tree → plan → staging folder → rename.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

use crate::base;
use crate::error::{Code, Error, Result};
use crate::git;
use crate::manifest::{self, Manifest};
use crate::path::RepoPath;
use crate::plan::Plan;
use crate::template::Template;
use crate::template::answers::Answers;
use crate::template::render::render;
use crate::tree::{File, Mode};
use crate::write::{self, Target};

/// The files that the tool keeps for itself.
const OWN_FILES: [&str; 2] = [manifest::PATH, base::PATH];

/// What to make, and where.
#[derive(Debug)]
pub struct Request {
    /// Where the repository goes.
    pub target: PathBuf,
    /// What it is made from.
    pub template: Template,
    /// What makes it this server's.
    pub answers: Answers,
    /// What was said about version control.
    pub vcs: Vcs,
    /// Whether only the plan is wanted.
    pub dry_run: bool,
}

/// Version control of the new repository.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Vcs {
    /// Git, unless the target lies in a repository or git is missing.
    Auto,
    /// Git, or an error.
    Git,
    /// None.
    None,
}

/// What was made, or would be.
#[derive(Debug)]
pub struct Made {
    /// The server's name.
    pub name: String,
    /// Its language.
    pub language: String,
    /// The version of the language's template.
    pub template_version: String,
    /// Where it is, without symbolic links.
    pub target: PathBuf,
    /// Whether it is a git repository of its own.
    pub git: bool,
    /// How many files it has.
    pub files: usize,
    /// What was carried out, or would be.
    pub plan: Plan,
    /// What the user should know although all went well.
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
    if target.is_unfinished() && !request.dry_run {
        return finish_interrupted(&target);
    }
    let plan = plan(&request.template, &request.answers)?;
    let mut made = Made {
        name: request.answers.name.clone(),
        language: request.template.language.to_owned(),
        template_version: request.template.spec.template.version.clone(),
        git: match request.vcs {
            Vcs::Auto => !git::encloses(&target.path),
            Vcs::Git => !target.is_git(),
            Vcs::None => false,
        },
        target: target.path.clone(),
        files: plan.actions.len(),
        plan,
        warnings: Vec::new(),
    };
    if !request.dry_run {
        let Made { plan, git, warnings, .. } = &mut made;
        write::create(&target, plan, &mut |folder| put_under_git(folder, request.vcs, git, warnings))?;
    }
    Ok(made)
}

/// What is written for `template` and `answers`: the rendered files, their manifest, and the base of updates.
fn plan(template: &Template, answers: &Answers) -> Result<Plan> {
    let rendered = render(template, answers)?;
    let manifest = Manifest::of(template, answers, &rendered).text().into_bytes();
    let base = base::pack(&rendered.tree)?;
    let mut tree = rendered.tree;
    for (path, bytes) in OWN_FILES.into_iter().zip([manifest, base]) {
        tree.insert(RepoPath::new(path)?, File { bytes: Cow::Owned(bytes), mode: Mode::Plain });
    }
    Ok(Plan::create(tree))
}

/// Makes the repository a git one if `wanted`; only who asked for git by name is stopped when that fails.
fn put_under_git(folder: &Path, vcs: Vcs, wanted: &mut bool, warnings: &mut Vec<String>) -> Result<()> {
    if !*wanted {
        return Ok(());
    }
    match git::init(folder) {
        Err(error) if vcs == Vcs::Auto => {
            *wanted = false;
            warnings.push(format!("{}, so the server is not under version control", error.message));
            Ok(())
        }
        Err(error) => Err(error.hint("install git, or say --vcs none")),
        Ok(()) => Ok(()),
    }
}

/// Moves what a killed run had completed to its place, whatever the answers are this time.
fn finish_interrupted(target: &Target) -> Result<Made> {
    write::resume(target)?;
    let path = target.path.join(manifest::PATH);
    let text = fs::read_to_string(&path)
        .map_err(|error| Error::new(Code::Io, format!("cannot read {}: {error}", path.display())))?;
    let manifest = Manifest::parse(&text)?;
    Ok(Made {
        name: manifest.answers.get("name").cloned().unwrap_or_default(),
        git: target.path.join(".git").exists(),
        language: manifest.language,
        template_version: manifest.template_version,
        target: target.path.clone(),
        files: manifest.files.len() + OWN_FILES.len(),
        plan: Plan::default(),
        warnings: vec!["an earlier run was interrupted here; it was finished, with its answers".to_owned()],
    })
}
