//! What the user asks of an update, held against what the repository records and what the template has.

use std::collections::BTreeSet;

use crate::error::{Code, Error, Result};
use crate::path::RepoPath;
use crate::repo::manifest::Manifest;
use crate::template::Template;
use crate::template::answers::{Answers, Given};
use crate::template::render::Rendered;
use crate::write::Target;

/// Refuses a repository whose template is newer than the one at hand.
pub(super) fn not_newer(manifest: &Manifest, template: &Template) -> Result<()> {
    let parse = |version: &str| semver::Version::parse(version).ok();
    let (there, here) = (parse(&manifest.template_version), parse(&template.spec.template.version));
    if there.zip(here).is_none_or(|(there, here)| there <= here) {
        return Ok(());
    }
    let message = format!(
        "the repository has template {}, and this cargo-mcp only {}",
        manifest.template_version, template.spec.template.version
    );
    Err(Error::new(Code::ManifestLater, message)
        .hint(format!("install cargo-mcp {} or newer", manifest.tool_version)))
}

/// The recorded answers with those that change; answers to questions that are asked no more are dropped.
pub(super) fn answers(manifest: &Manifest, template: &Template, given: &Given) -> Result<Answers> {
    if let Some(key) = ["name", "language"].into_iter().find(|key| given.contains_key(*key)) {
        let message =
            format!("the {key} of a server stands in its owner's code too: an update cannot change it");
        return Err(
            Error::new(Code::AnswerInvalid, message).hint("write a new server and move the tools over")
        );
    }
    Answers::over(template, given, &manifest.answers)
}

/// The deleted files that are wanted back.
pub(super) fn restore(
    wanted: &[String],
    manifest: &Manifest,
    rendered: &Rendered,
    target: &Target,
) -> Result<BTreeSet<RepoPath>> {
    let mut paths = BTreeSet::new();
    for name in wanted {
        let path = RepoPath::new(name.trim_start_matches("./"))?;
        if !rendered.tree.contains_key(&path) || !manifest.files.contains_key(&path) {
            let message = format!("the template wrote no {path}");
            return Err(Error::new(Code::Usage, message).hint("give its path from the top of the repository"));
        }
        if path.below(&target.path).symlink_metadata().is_ok() {
            let message = format!("{path} is there: only a deleted file is restored");
            return Err(Error::new(Code::Usage, message).hint("move it away first"));
        }
        paths.insert(path);
    }
    Ok(paths)
}
