//! Where contracts come from: a folder, a JSON file, a folder in git's history, or a server that is asked.
//!
//! Invariant: what exists on the disk is a path, whatever else it looks like; sizes are bounded.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::client::{self, Server};
use crate::error::{Code, Error, Result};
use crate::git;
use mcp_contract::model::{Contract, Contracts, Kind};

const LARGEST: u64 = 32 << 20;
const BASELINE: &str = "baseline";

/// A file's path below the place that was named, and its bytes.
pub type File = (String, Vec<u8>);

/// Reads what `text` names; git is run in `folder`.
///
/// # Errors
/// When there is no such thing, or it holds no contracts.
pub fn read(text: &str, folder: &Path, limit: Duration) -> Result<Contracts> {
    let path = folder.join(text);
    if path.is_dir() {
        return of_folder(&path, text);
    }
    if path.is_file() {
        return of_file(text, &bytes(&path)?);
    }
    if let Some(command) = text.strip_prefix("cmd:") {
        let server = Server::Program {
            words: client::words(command)?,
            settings: [].into(),
            folder: Some(folder.to_owned()),
        };
        return of_server(&server, limit);
    }
    if text.starts_with("http://") || text.starts_with("https://") {
        return of_server(&Server::Url(text.to_owned()), limit);
    }
    match text.split_once(':') {
        Some((revision, inside)) if !revision.is_empty() => of_history(revision, inside, folder),
        _ => Err(Error::new(Code::ContractInvalid, format!("{text} does not exist")).hint(
            "name a folder, a JSON file, a git revision with a path (v1.2.0:contracts), cmd:COMMAND or http://…",
        )),
    }
}

/// The contracts of a server.
///
/// # Errors
/// When it does not answer.
pub fn of_server(server: &Server, limit: Duration) -> Result<Contracts> {
    Ok(Contracts::from_document(&client::list(server, limit)?)?)
}

/// The contracts in a folder, or in its folder `contracts`.
///
/// # Errors
/// When it holds none.
pub fn of_folder(folder: &Path, name: &str) -> Result<Contracts> {
    let has_kinds = |folder: &Path| Kind::ALL.iter().any(|kind| folder.join(kind.folder()).is_dir());
    let inner = folder.join("contracts");
    let folder = if !has_kinds(folder) && has_kinds(&inner) { inner } else { folder.to_owned() };
    let mut files = Vec::new();
    if has_kinds(&folder) {
        for kind in Kind::ALL {
            below(&folder.join(kind.folder()), &format!("{}/", kind.folder()), &mut files)?;
        }
    } else {
        below(&folder, "", &mut files)?;
    }
    of_files(&files, name)
}

fn below(folder: &Path, prefix: &str, files: &mut Vec<File>) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    let entries = fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
    for entry in entries {
        let path = entry.map_err(|error| unreadable(folder, &error))?.path();
        if path.extension().is_some_and(|extension| extension == "json") && path.is_file() {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            files.push((format!("{prefix}{name}"), bytes(&path)?));
        }
    }
    files.sort();
    Ok(())
}

/// A file's bytes, up to a limit.
///
/// # Errors
/// When it cannot be read or is larger.
fn bytes(path: &Path) -> Result<Vec<u8>> {
    let file = fs::File::open(path).map_err(|error| unreadable(path, &error))?;
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| unreadable(path, &error))?;
    if bytes.len() as u64 > LARGEST {
        return Err(Error::new(Code::ContractInvalid, format!("{} is larger than 32 MiB", path.display())));
    }
    Ok(bytes)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::new(Code::Io, format!("cannot read {}: {error}", path.display()))
}

fn parse(name: &str, bytes: &[u8]) -> Result<Value> {
    serde_json::from_slice(bytes).map_err(|error| {
        let what = if error.to_string().starts_with("recursion limit") {
            "nests more than 127 levels deep".to_owned()
        } else {
            format!("is not JSON: {error}")
        };
        Error::new(Code::ContractInvalid, format!("{name} {what}"))
    })
}

fn of_file(name: &str, bytes: &[u8]) -> Result<Contracts> {
    Contracts::from_document(&parse(name, bytes)?).map_err(|error| prefixed(name, error.into()))
}

fn prefixed(name: &str, mut error: Error) -> Error {
    error.message = format!("{name}: {}", error.message);
    error
}

fn of_files(files: &[File], name: &str) -> Result<Contracts> {
    let mut contracts = Contracts::default();
    for (path, bytes) in files {
        let kind = Kind::ALL.into_iter().find(|kind| path.starts_with(&format!("{}/", kind.folder())));
        let document = parse(path, bytes)?;
        let Value::Object(body) = &document else {
            return Err(Error::new(Code::ContractInvalid, format!("{path} is not a contract")));
        };
        let added = Contract::from_file(body, kind).and_then(|contract| contracts.add(contract));
        added.map_err(|error| prefixed(path, error.into()))?;
    }
    if contracts.is_empty() {
        let hint = "a folder of contracts holds tools/NAME.json, resources/NAME.json or prompts/NAME.json";
        return Err(Error::new(Code::ContractInvalid, format!("no contracts in {name}")).hint(hint));
    }
    Ok(contracts)
}

/// The contracts at a path in a revision.
fn of_history(revision: &str, path: &str, folder: &Path) -> Result<Contracts> {
    let name = format!("{revision}:{path}");
    if git::is_tree(folder, revision, path)? {
        let archive = git::archive(folder, revision, path)?;
        return of_files(&unpacked(&archive)?, &name);
    }
    of_file(&name, &git::show(folder, revision, path)?)
}

/// The contract files in a tar archive of a folder.
fn unpacked(archive: &[u8]) -> Result<Vec<File>> {
    let broken =
        |error: std::io::Error| Error::new(Code::Git, format!("git's archive cannot be read: {error}"));
    let mut files = Vec::new();
    for entry in tar::Archive::new(archive).entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let path = entry.path().map_err(broken)?.to_string_lossy().replace('\\', "/");
        let path = path.strip_prefix("contracts/").unwrap_or(&path).to_owned();
        let is_json = Path::new(&path).extension().is_some_and(|extension| extension == "json");
        if is_json && !path.starts_with(BASELINE) && entry.header().entry_type().is_file() {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).map_err(broken)?;
            files.push((path, bytes));
        }
    }
    let in_kind = |(path, _): &File| {
        Kind::ALL.iter().any(|kind| {
            path.strip_prefix(kind.folder())
                .is_some_and(|rest| rest.starts_with('/') && !rest[1..].contains('/'))
        })
    };
    if files.iter().any(in_kind) {
        files.retain(in_kind);
    } else {
        files.retain(|(path, _)| !path.contains('/'));
    }
    files.sort();
    Ok(files)
}
