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
use crate::git::{self, Past};
use crate::ops::contract::CONTRACTS;
use mcp_contract::model::{Contract, Contracts, Kind};

const LARGEST: u64 = 32 << 20;

/// A file's path below the place that was named, and its bytes.
pub type File = (String, Vec<u8>);

/// How a server is asked.
#[derive(Clone, Debug)]
pub struct Patience {
    /// How long it may take.
    pub limit: Duration,
    /// What an address is shown, if it asks for a token.
    pub token: Option<String>,
}

impl Default for Patience {
    fn default() -> Self {
        Self { limit: Duration::from_mins(1), token: None }
    }
}

/// Reads what `text` names; git is run in `folder`.
///
/// # Errors
/// When there is no such thing, or it holds no contracts.
pub fn read(text: &str, folder: &Path, patience: &Patience) -> Result<Contracts> {
    let path = folder.join(text);
    if path.is_dir() {
        return of_folder(&path, text);
    }
    if path.is_file() {
        return of_file(text, &bytes(&path)?);
    }
    if let Some(command) = text.strip_prefix("cmd:") {
        return of_server(&Server::of_command(command, folder)?, patience.limit);
    }
    if text.starts_with("http://") || text.starts_with("https://") {
        let server = Server::Url { url: text.to_owned(), token: patience.token.clone() };
        return of_server(&server, patience.limit);
    }
    match text.split_once(':') {
        Some((revision, inside)) if !revision.is_empty() => of_history(revision, inside, folder),
        _ => Err(Error::new(Code::ContractInvalid, format!("{text} does not exist")).hint(
            "name a folder, a JSON file, a git revision with a path (v1.2.0:contracts), cmd:COMMAND or https://…",
        )),
    }
}

/// The token in a file: its text without the white space around it.
///
/// # Errors
/// When the file cannot be read or holds no such text.
pub fn token(path: &Path) -> Result<String> {
    let text = String::from_utf8(bytes(path)?).unwrap_or_default();
    let token = text.trim_start_matches('\u{feff}').trim();
    if token.is_empty() || !token.chars().all(|letter| letter.is_ascii_graphic()) {
        return Err(Error::new(Code::Usage, format!("{} holds no token", path.display())));
    }
    Ok(token.to_owned())
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
    some(find(folder)?, name)
}

/// As [`of_folder`], which may hold none or not be there.
///
/// # Errors
/// When a file is no contract or cannot be read.
pub fn find(folder: &Path) -> Result<Contracts> {
    let mut paths = Vec::new();
    for base in [String::new(), format!("{CONTRACTS}/")] {
        listed(folder, &base, &mut paths)?;
        for kind in Kind::ALL {
            listed(folder, &format!("{base}{}/", kind.folder()), &mut paths)?;
        }
    }
    let files = paths.into_iter().map(|path| Ok((path.clone(), bytes(&folder.join(path))?)));
    of_files(&chosen(files.collect::<Result<_>>()?))
}

/// The JSON files in a folder below `root`, if it is there.
fn listed(root: &Path, folder: &str, paths: &mut Vec<String>) -> Result<()> {
    let here = root.join(folder);
    if !here.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(&here).map_err(|error| unreadable(&here, &error))? {
        let entry = entry.map_err(|error| unreadable(&here, &error))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if is_json(&name) && entry.path().is_file() {
            paths.push(format!("{folder}{name}"));
        }
    }
    Ok(())
}

fn is_json(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "json")
}

/// Which of a folder's files are its contracts: those in a folder for each kind, else those in such folders of
/// `contracts/`, else those that lie loose in it.
fn chosen(files: Vec<File>) -> Vec<File> {
    let in_kind = |path: &str| {
        let (folder, name) = path.split_once('/').unwrap_or_default();
        Kind::ALL.iter().any(|kind| kind.folder() == folder) && !name.contains('/')
    };
    let inner = |path: &str| path.strip_prefix(CONTRACTS)?.strip_prefix('/').map(ToOwned::to_owned);
    let (mut own, rest): (Vec<_>, Vec<_>) = files.into_iter().partition(|(path, _)| in_kind(path));
    if own.is_empty() {
        let is_nested = |path: &str| inner(path).is_some_and(|path| in_kind(&path));
        let (nested, loose): (Vec<_>, Vec<_>) = rest.into_iter().partition(|(path, _)| is_nested(path));
        own = nested.into_iter().filter_map(|(path, bytes)| Some((inner(&path)?, bytes))).collect();
        if own.is_empty() {
            own = loose.into_iter().filter(|(path, _)| !path.contains('/')).collect();
        }
    }
    own.sort();
    own
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

fn of_files(files: &[File]) -> Result<Contracts> {
    let mut contracts = Contracts::default();
    for (path, bytes) in files {
        let kind = Kind::of_path(path);
        let document = parse(path, bytes)?;
        let Value::Object(body) = &document else {
            return Err(Error::new(Code::ContractInvalid, format!("{path} is not a contract")));
        };
        let added = Contract::from_file(body, kind).and_then(|contract| contracts.add(contract));
        added.map_err(|error| prefixed(path, error.into()))?;
    }
    Ok(contracts)
}

fn some(contracts: Contracts, name: &str) -> Result<Contracts> {
    if contracts.is_empty() {
        let hint = "a folder of contracts holds tools/NAME.json, resources/NAME.json or prompts/NAME.json";
        return Err(Error::new(Code::ContractInvalid, format!("no contracts in {name}")).hint(hint));
    }
    Ok(contracts)
}

/// The contracts at a path in a revision.
fn of_history(revision: &str, path: &str, folder: &Path) -> Result<Contracts> {
    let name = format!("{revision}:{path}");
    match git::read(folder, revision, path, LARGEST, is_json)? {
        Past::File(bytes) => of_file(&name, &bytes),
        Past::Folder(files) => some(of_files(&chosen(files))?, &name),
    }
}
