//! Holds a repository's contracts to its code and to its last release.
//!
//! Invariant: a breaking change is no fault by itself; a version that does not admit it is.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::client::Server;
use crate::error::{Code, Error, Result};
use crate::git;
use crate::ops::contract::source::{self, Patience};
use crate::repo::Repository;

const BASELINE: &str = "contracts/baseline";
use mcp_contract::change::{Change, Comparison};
use mcp_contract::model::{Contract, Contracts};
use mcp_contract::version::{Level, Version, level, level_of};
use mcp_contract::{diff, rules::Verdict};

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

/// A version, and whether it is high enough.
#[derive(Clone, Debug, Serialize)]
pub struct Held {
    /// The contract, or `server`.
    pub contract: String,
    /// The version of the last release.
    pub released: String,
    /// The version now.
    pub version: String,
    /// What has to rise.
    pub level: Level,
    /// The lowest version that will do.
    pub needed: String,
    /// Whether the version will do.
    pub ok: bool,
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
    /// Whether nothing has to be done.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.drift.is_empty() && self.versions.iter().all(|held| held.ok)
    }
}

/// Checks.
///
/// # Errors
/// When contracts cannot be read or the server does not answer.
pub fn run(request: &Request) -> Result<Checked> {
    let mut notes = Vec::new();
    let committed = source::of_folder(&request.folder.join("contracts"), "contracts")?;
    let drift = match &request.server {
        Some(server) => diff::sets(&committed, &source::of_server(server, request.patience.limit)?).changes,
        None => Vec::new(),
    };
    let baseline = baseline(request, &mut notes)?;
    let mut since = baseline
        .as_ref()
        .map_or_else(|| Comparison::of(Vec::new()), |baseline| diff::sets(baseline, &committed));
    for name in since.acknowledge(&request.acknowledged) {
        notes.push(format!("nothing to acknowledge is called {name}"));
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
        Some(tag) if git::has(&request.folder, &tag, "contracts")? => {
            return source::read(&format!("{tag}:./contracts"), &request.folder, &request.patience).map(Some);
        }
        Some(tag) => notes.push(format!("{tag} has no contracts/: there is nothing to compare with")),
        None => notes
            .push(format!("{BASELINE} is empty and no release is tagged: there is nothing to compare with")),
    }
    Ok(None)
}

/// The versions of contracts that changed.
fn held(baseline: &Contracts, committed: &Contracts, since: &Comparison) -> Vec<Held> {
    let both = committed.iter().filter_map(|new| Some((baseline.get(new.kind, &new.key())?, new)));
    both.filter_map(|(old, new)| {
        let place = new.path();
        let level = since.changes.iter().filter(|change| change.contract == place).map(level).max()?;
        judge(&place, stated(old), stated(new), level, false)
    })
    .collect()
}

fn stated(contract: &Contract) -> &str {
    contract.body.get("version").and_then(serde_json::Value::as_str).unwrap_or("0.0.0")
}

/// Holds one version to a level.
#[must_use]
pub fn judge(contract: &str, old: &str, new: &str, level: Level, early: bool) -> Option<Held> {
    let (before, after) = (Version::parse(old)?, Version::parse(new));
    let ok = after.is_some_and(|after| after.suffices(&before, level, early));
    Some(Held {
        contract: contract.to_owned(),
        released: old.to_owned(),
        version: new.to_owned(),
        level,
        needed: before.next(level, early).to_string(),
        ok,
    })
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
    let held = judge("server", tag.trim_start_matches('v'), &version, level_of(since), true);
    held.map(Ok).ok_or_else(|| Error::new(Code::ContractInvalid, format!("the tag {tag} is no version")))
}
