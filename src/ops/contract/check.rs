//! Holds a repository's contracts to its code and to its last release.
//!
//! Invariant: a breaking change is no fault by itself; a version that does not admit it is.

use std::path::{Path, PathBuf};

use mcp_contract::change::{Change, Comparison};
use mcp_contract::diff;
use mcp_contract::model::{Contract, Contracts};
use mcp_contract::rules::Verdict;
use mcp_contract::version::{Level, Version, level, level_of};
use serde::Serialize;

use crate::client::Server;
use crate::error::{Code, Error, Result};
use crate::exit::Exit;
use crate::finding::{Findings, Section};
use crate::git;
use crate::ops::contract::diff::unknown;
use crate::ops::contract::findings::{self, Held};
use crate::ops::contract::source::{self, Patience};
use crate::ops::contract::{BASELINE, CONTRACTS, file_of};
use crate::repo::Repository;

/// What the server is called among contracts.
pub const SERVER: &str = "server";
/// The version of what states none.
const FIRST: &str = "0.0.0";

/// What to check.
#[derive(Debug)]
pub struct Request {
    /// The repository.
    pub folder: PathBuf,
    /// The server to ask; none to ask none.
    pub server: Option<Server>,
    /// Where the last release's contracts are; `contracts/baseline` when not said.
    pub baseline: Option<String>,
    /// Unknown changes that somebody looked at.
    pub acknowledged: Vec<String>,
    /// How servers are asked.
    pub patience: Patience,
}

/// The result.
#[derive(Debug, Serialize)]
pub struct Checked {
    /// The gravest verdict since the last release.
    pub verdict: Verdict,
    /// Every change since the last release.
    pub changes: Vec<Change>,
    /// Where the server and the committed contracts differ.
    pub drift: Vec<Change>,
    /// The versions of what changed.
    pub versions: Vec<Held>,
    /// What could not be looked at.
    pub notes: Vec<String>,
}

impl Checked {
    /// Whether the versions admit a change: that of its contract, if it still is one, and that of the server, if it
    /// was looked at; one at least.
    fn admits(&self, change: &Change) -> bool {
        let names = [change.contract.as_str(), SERVER];
        let mut held = self.versions.iter().filter(|held| names.contains(&held.contract.as_str())).peekable();
        held.peek().is_some() && held.all(|held| held.ok)
    }

    /// The findings: what differs, what changed, and which versions are too low.
    pub fn findings(&self) -> Findings {
        let section = |title: &str, nothing, findings| Section { title: title.to_owned(), nothing, findings };
        let mut found = Findings { notes: self.notes.clone(), ..Findings::default() };
        if !self.drift.is_empty() {
            let title = "The server and contracts/ differ: run make contracts docs and review what changes";
            found.sections.push(section(title, "", self.drift.iter().map(findings::of_drift).collect()));
        }
        let changes = self.changes.iter();
        found.sections.push(section(
            "Since the last release",
            "Nothing that clients rely on has changed.",
            changes.map(|change| findings::of_released_change(change, self.admits(change))).collect(),
        ));
        let low: Vec<_> = self.versions.iter().filter(|held| !held.ok).map(findings::of_version).collect();
        let raise = !low.is_empty();
        if raise {
            found.sections.push(section("Versions that are too low", "", low));
        }
        let summary = match found.exit() {
            Exit::Done if self.changes.is_empty() => "Good: nothing has changed since the last release.",
            Exit::Done => "Good: every change since the last release has the version that it needs.",
            Exit::Findings if raise => {
                "Undo the changes, or run cargo mcp contract bump to set the versions."
            }
            Exit::Findings if self.drift.is_empty() => {
                "No version was looked at that admits what breaks: tag the last release vX.Y.Z, or undo the changes."
            }
            Exit::Findings => "The server and its contracts have to agree.",
        };
        summary.clone_into(&mut found.summary);
        found
    }
}

/// Checks.
///
/// # Errors
/// When contracts cannot be read or the server does not answer.
pub fn run(request: &Request) -> Result<Checked> {
    let mut notes = Vec::new();
    let committed = source::of_folder(&request.folder.join(CONTRACTS), CONTRACTS)?;
    let drift = match &request.server {
        Some(server) => diff::sets(&committed, &source::of_server(server, request.patience.limit)?).changes,
        None => Vec::new(),
    };
    let baseline = baseline(request, &mut notes)?;
    let mut since = baseline
        .as_ref()
        .map_or_else(|| Comparison::of(Vec::new()), |baseline| diff::sets(baseline, &committed));
    for name in since.acknowledge(&request.acknowledged) {
        notes.push(unknown(name));
    }
    let mut versions = Vec::new();
    if let Some(baseline) = &baseline {
        versions = held(baseline, &committed, &since);
        match server(&request.folder, &since)? {
            Ok(held) => versions.push(held),
            Err(note) => notes.push(note),
        }
    }
    Ok(Checked { verdict: since.verdict, changes: since.changes, drift, versions, notes })
}

fn baseline(request: &Request, notes: &mut Vec<String>) -> Result<Option<Contracts>> {
    if let Some(named) = &request.baseline {
        return source::read(named, &request.folder, &request.patience).map(Some);
    }
    let kept = source::find(&request.folder.join(BASELINE))?;
    if !kept.is_empty() {
        return Ok(Some(kept));
    }
    // Nobody kept the contracts of the last release: history has them.
    match git::last_tag(&request.folder)? {
        Some(tag) if git::has(&request.folder, &tag, CONTRACTS)? => {
            return source::read(&format!("{tag}:./{CONTRACTS}"), &request.folder, &request.patience)
                .map(Some);
        }
        Some(tag) => notes.push(format!("{tag} has no {CONTRACTS}/: there is nothing to compare with")),
        None => notes
            .push(format!("{BASELINE} is empty and no release is tagged: there is nothing to compare with")),
    }
    Ok(None)
}

/// The versions of contracts that changed.
fn held(baseline: &Contracts, committed: &Contracts, since: &Comparison) -> Vec<Held> {
    let both = committed.iter().filter_map(|new| Some((baseline.get(new.kind, &new.key())?, new)));
    both.filter_map(|(old, new)| {
        let path = new.path();
        let level = since.changes.iter().filter(|change| change.contract == path).map(level).max()?;
        let file = file_of(&path);
        Some(judge((&path, file), stated(old), stated(new), level, false))
    })
    .collect()
}

fn stated(contract: &Contract) -> &str {
    contract.body.get("version").and_then(serde_json::Value::as_str).unwrap_or(FIRST)
}

/// Holds one version to a level. What is no version is below all.
fn judge((name, file): (&str, String), old: &str, new: &str, level: Level, early: bool) -> Held {
    let before = Version::parse(old).or_else(|| Version::parse(FIRST));
    let after = Version::parse(new);
    let ok = after.zip(before.as_ref()).is_some_and(|(after, before)| after.suffices(before, level, early));
    let needed = before.map_or_else(|| FIRST.to_owned(), |before| before.next(level, early).to_string());
    Held {
        contract: name.to_owned(),
        released: old.to_owned(),
        version: new.to_owned(),
        level,
        needed,
        ok,
        file,
    }
}

/// The server's version against its last release tag; or why there is nothing to say.
fn server(folder: &Path, since: &Comparison) -> Result<std::result::Result<Held, String>> {
    let Some(repository) = Repository::find(folder)? else {
        return Ok(Err(
            "the server's version was not looked at: this repository does not say where it stands".to_owned(),
        ));
    };
    let Some(version) = repository.version()? else {
        return Ok(Err(
            "the server's version was not looked at: its template does not say where it stands".to_owned()
        ));
    };
    let Some(tag) = git::last_tag(folder)? else {
        return Ok(Err("the server's version was not looked at: no release is tagged vX.Y.Z".to_owned()));
    };
    let old = tag.trim_start_matches('v');
    if Version::parse(old).is_none() {
        return Err(Error::new(Code::ContractInvalid, format!("the tag {tag} is no version")));
    }
    let file =
        repository.manifest.facts.version_files.first().map(|file| file.path.clone()).unwrap_or_default();
    Ok(Ok(judge((SERVER, file), old, &version, level_of(since), true)))
}
