//! Writes a new repository: answers → tree → plan → staging folder → rename.

use std::borrow::Cow;
use std::path::PathBuf;

use crate::base;
use crate::error::{Code, Result};
use crate::git;
use crate::manifest::{self, Manifest};
use crate::path::RepoPath;
use crate::plan::Plan;
use crate::template::Template;
use crate::template::answers::Answers;
use crate::template::render::render;
use crate::tree::{File, Mode};
use crate::write::{self, Target};

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
    /// Where it is, without symbolic links.
    pub target: PathBuf,
    /// What was carried out.
    pub plan: Plan,
    /// Whether it is a git repository of its own.
    pub git: bool,
    /// What the user should know although all went well.
    pub warnings: Vec<String>,
}

/// Carries out `request`.
///
/// # Errors
/// When the target cannot take a repository; the disk is then as it was.
pub fn run(request: &Request) -> Result<Made> {
    let target = Target::inspect(&request.target)?;
    let mut made = Made {
        plan: plan(&request.template, &request.answers)?,
        git: wants_git(request.vcs, &target),
        target: target.path.clone(),
        warnings: Vec::new(),
    };
    if request.dry_run {
        return Ok(made);
    }
    let mut git = made.git;
    let mut finish = |folder: &std::path::Path| match git::init(folder) {
        Err(error) if error.code == Code::Git && request.vcs == Vcs::Auto => {
            made.warnings.push(format!("{error}; the server is not under version control"));
            git = false;
            Ok(())
        }
        other => other,
    };
    let mut skip = |_: &std::path::Path| Ok(());
    write::create(&target, &made.plan, if made.git { &mut finish } else { &mut skip })?;
    made.git = git;
    Ok(made)
}

/// What is written for `template` and `answers`: the rendered files, their manifest, and the base of updates.
fn plan(template: &Template, answers: &Answers) -> Result<Plan> {
    let rendered = render(template, answers)?;
    let manifest = Manifest::of(template, answers, &rendered).text().into_bytes();
    let base = base::pack(&rendered.tree)?;
    let mut tree = rendered.tree;
    for (path, bytes) in [(manifest::PATH, manifest), (base::PATH, base)] {
        tree.insert(RepoPath::new(path)?, File { bytes: Cow::Owned(bytes), mode: Mode::Plain });
    }
    Ok(Plan::create(tree))
}

fn wants_git(vcs: Vcs, target: &Target) -> bool {
    match vcs {
        Vcs::Auto => !git::encloses(&target.path),
        Vcs::Git => true,
        Vcs::None => false,
    }
}
