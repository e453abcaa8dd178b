//! Sets the versions that a check asks for, in the contracts and where the server's version stands.

use std::fs;

use serde::Serialize;
use serde_json::Value;

use crate::error::{Code, Error, Result};
use crate::ops::contract::check::{self, Held, Request};
use crate::ops::contract::repository::Repository;
use crate::path::RepoPath;
use crate::write;
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
///
/// # Errors
/// As a check, and when the disk refuses.
pub fn run(request: &Request, dry: bool) -> Result<Bumped> {
    let checked = check::run(request)?;
    let mut bumped = Bumped { versions: Vec::new(), files: Vec::new(), notes: checked.notes };
    let repository = Repository::find(&request.folder)?;
    for held in checked.versions.into_iter().filter(|held| !held.ok) {
        if held.contract == "server" {
            let texts =
                repository.as_ref().map(|repository| repository.with_version(&held.needed)).transpose()?;
            for (path, text) in texts.unwrap_or_default() {
                put(request, path, &text, dry, &mut bumped)?;
            }
        } else {
            let path = format!("contracts/{}.json", held.contract);
            let text = raised(request, &path, &held.needed)?;
            put(request, path, &text, dry, &mut bumped)?;
        }
        bumped.versions.push(held);
    }
    let contracts = bumped.versions.iter().any(|held| held.contract != "server");
    if let Some(registry) = repository.as_ref().and_then(Repository::registry).filter(|_| contracts) {
        bumped
            .notes
            .push(format!("set the same versions in {registry}: make contracts writes the files from there"));
    }
    Ok(bumped)
}

fn put(request: &Request, path: String, text: &str, dry: bool, bumped: &mut Bumped) -> Result<()> {
    if dry || write::replace(&request.folder, &RepoPath::new(path.as_str())?, text.as_bytes())? {
        bumped.files.push(path);
    }
    Ok(())
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
