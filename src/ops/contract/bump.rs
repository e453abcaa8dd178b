//! Sets the versions that a check asks for, in the contracts and where the server's version stands.

use std::fs;

use serde::Serialize;
use serde_json::Value;

use crate::error::{Code, Error, Result};
use crate::ops::contract::check::{self, Request};
use crate::ops::contract::file_of;
use crate::ops::contract::findings::Held;
use crate::path::RepoPath;
use crate::plan::Plan;
use crate::read;
use crate::repo::Repository;
use crate::tree::{File, Mode, Tree};
use crate::write::{self, Sink, Target};
use mcp_contract::normal;

/// What was set.
#[derive(Debug, Serialize)]
pub struct Bumped {
    /// Every version that was too low, and what it is now.
    pub versions: Vec<Held>,
    /// The files that were written.
    pub files: Vec<String>,
    /// What remains to do or could not be looked at.
    pub notes: Vec<String>,
}

/// Sets them; writes nothing when `dry` is true.
pub fn run(request: &Request, dry: bool) -> Result<Bumped> {
    let target = Target::open(&request.folder)?;
    if !dry {
        write::resume(&target)?;
    }
    let checked = check::run(request)?;
    let repository = Repository::find(&request.folder)?;
    let mut wanted = Tree::new();
    let mut bumped = Bumped { versions: Vec::new(), files: Vec::new(), notes: checked.notes };
    for held in checked.versions.into_iter().filter(|held| !held.ok) {
        if held.contract == check::SERVER {
            if let Some(repository) = &repository {
                wanted.extend(repository.with_version(&held.needed)?);
            }
        } else {
            let path = file_of(&held.contract);
            let text = raised(request, &path, &held.needed)?;
            let file = File { bytes: text.into_bytes().into(), mode: Mode::Plain };
            wanted.insert(RepoPath::new(path)?, file);
        }
        bumped.versions.push(held);
    }
    let there = read::files(&target.path, wanted.keys())?;
    let plan = Plan::bring(&there, wanted);
    bumped.files = plan.changes().map(|action| action.path().to_owned()).collect();
    write::apply(&target, &plan, Sink::dry(dry))?;
    if let Some(repository) = repository {
        bumped.notes.extend(sources(&bumped.versions, &repository));
    }
    Ok(bumped)
}

/// Where the code states what `make contracts` writes into the files that were set.
fn sources(versions: &[Held], repository: &Repository) -> Vec<String> {
    let contracts = versions.iter().filter(|held| held.contract != check::SERVER);
    let registry = &repository.manifest.facts.registry;
    let notes = contracts.map(|Held { contract, needed, .. }| {
        format!("state {needed} for {contract} in the code too ({registry} lists it): make contracts writes from there")
    });
    notes.collect()
}

fn raised(request: &Request, path: &str, version: &str) -> Result<String> {
    let text = fs::read_to_string(request.folder.join(path))
        .map_err(|error| Error::new(Code::Io, format!("cannot read {path}: {error}")))?;
    let mut document: Value = serde_json::from_str(&text)
        .map_err(|error| Error::new(Code::ContractInvalid, format!("{path}: {error}")))?;
    if let Some(body) = document.as_object_mut() {
        body.insert("version".to_owned(), Value::from(version));
    }
    Ok(normal::to_text(&document))
}
