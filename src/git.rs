//! The only place that runs git. Whether a folder is in a repository is found out without it.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::{Code, Error, Result};
use crate::tree::Mode;

/// Variables that would turn git to another repository, as they do inside its hooks.
const REDIRECTIONS: &[&str] = &[
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_WORK_TREE",
];

/// The `user.name` that git would commit with in `folder`.
pub fn user_name(folder: &Path) -> Option<String> {
    let output = git(folder).args(["config", "--get", "user.name"]).stderr(Stdio::null()).output().ok()?;
    let name = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !name.is_empty()).then_some(name)
}

/// Makes `folder` a repository with the branch `main`.
///
/// # Errors
/// When git is missing or refuses.
pub fn init(folder: &Path) -> Result<()> {
    run(git(folder).args(["init", "--quiet", "--initial-branch=main"]), "git init failed").map(drop)
}

/// What stands at a path in a revision.
#[derive(Debug)]
pub enum Past {
    /// A file's bytes.
    File(Vec<u8>),
    /// A folder's files, by their path below it.
    Folder(Vec<(String, Vec<u8>)>),
}

/// Reads `REVISION:PATH`, the path taken as git does: from the repository's top, or from `folder` when it starts with
/// `./` or `../`. Of a folder only files with a `wanted` path are read, and no link is followed.
///
/// # Errors
/// When git refuses, there is no such revision or path, or a file has more than `largest` bytes.
pub fn read(
    folder: &Path,
    revision: &str,
    path: &str,
    largest: u64,
    wanted: impl Fn(&str) -> bool,
) -> Result<Past> {
    let path = match path.trim_end_matches('/') {
        "." => "./",
        ".." => "../",
        path => path,
    };
    let name = format!("{revision}:{path}");
    if revision.starts_with('-') {
        return Err(Error::new(Code::Git, format!("{name} is no revision")));
    }
    let refusal = format!("git does not know {name}");
    let object = text(git(folder).args(["rev-parse", &name]), &refusal)?;
    if text(git(folder).args(["cat-file", "-t", &object]), &refusal)? != "tree" {
        return Ok(Past::File(run(git(folder).args(["cat-file", "blob", &object]), &refusal)?));
    }
    // Not `git archive`: that leaves out what .gitattributes says, and wants to stand at the top.
    let listed = run(git(folder).args(["ls-tree", "-r", "-l", "-z", "--full-tree", &object]), &refusal)?;
    let mut files = Vec::new();
    for line in String::from_utf8_lossy(&listed).split_terminator('\0') {
        let Some((about, path)) = line.split_once('\t') else { continue };
        let about: Vec<&str> = about.split_whitespace().collect();
        if let [mode, "blob", id, size] = about[..]
            && mode.starts_with("100")
            && wanted(path)
        {
            if size.parse::<u64>().is_ok_and(|size| size > largest) {
                let message = format!("{path} in {name} is larger than {} MiB", largest >> 20);
                return Err(Error::new(Code::ContractInvalid, message));
            }
            files.push((path.to_owned(), id.to_owned()));
        }
    }
    let ids: Vec<&str> = files.iter().map(|(_, id)| id.as_str()).collect();
    let contents = blobs(folder, &ids)?;
    Ok(Past::Folder(files.into_iter().map(|(path, _)| path).zip(contents).collect()))
}

/// Whether there is something at a path below `folder` in a revision.
///
/// # Errors
/// When git refuses or there is no such revision.
pub fn has(folder: &Path, revision: &str, path: &str) -> Result<bool> {
    let listed = text(
        git(folder).args(["ls-tree", "--name-only", revision, "--", path]),
        &format!("git cannot look into {revision}"),
    )?;
    Ok(!listed.is_empty())
}

/// The files of a commit.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// The commit.
    pub revision: String,
    /// Its files by path.
    pub files: Vec<(String, Vec<u8>)>,
}

/// The files of the commit that `reference` names in the repository at `address`.
///
/// # Errors
/// When git refuses, or there are more files, or longer ones, than any template has.
pub fn fetched(address: &str, reference: &str) -> Result<Fetched> {
    const LARGEST: u64 = 4 << 20;
    const FILES: usize = 4_000;
    if address.starts_with('-') || reference.starts_with('-') {
        return Err(Error::new(
            Code::Git,
            format!("{address} {reference}: an address begins with no hyphen"),
        ));
    }
    let store = tempfile::tempdir()
        .map_err(|error| Error::new(Code::Io, format!("cannot make a temporary folder: {error}")))?;
    let refusal = format!("git cannot fetch {reference} from {address}");
    run(git(store.path()).args(["init", "--quiet", "--bare"]), &refusal)?;
    let fetch =
        ["-c", "protocol.ext.allow=never", "fetch", "--quiet", "--depth=1", "--no-tags", address, reference];
    run(git(store.path()).args(fetch).env("GIT_TERMINAL_PROMPT", "0"), &refusal)?;
    let revision = text(git(store.path()).args(["rev-parse", "FETCH_HEAD^{commit}"]), &refusal)?;
    let files = read(store.path(), &revision, "", LARGEST, |_| true);
    match files.map_err(|error| Error { code: Code::Template, ..error })? {
        Past::Folder(files) if files.len() <= FILES => Ok(Fetched { revision, files }),
        _ => Err(Error::new(
            Code::Template,
            format!("{address} has more than {FILES} files: that is no template"),
        )),
    }
}

/// What git has not got, by the path below the folder.
#[derive(Debug, Default)]
pub struct Uncommitted {
    /// Files that differ from the last commit, or are staged.
    pub changed: Vec<String>,
    /// Files that git does not know and was not told to ignore.
    pub untracked: Vec<String>,
}

/// What is not committed in `folder`; none outside of any repository.
pub fn uncommitted(folder: &Path) -> Result<Option<Uncommitted>> {
    if !encloses(folder) {
        return Ok(None);
    }
    let list = |arguments: &[&str]| -> Result<Vec<String>> {
        let listed = run(git(folder).args(arguments), "git does not say what is committed")?;
        Ok(String::from_utf8_lossy(&listed).split_terminator('\0').map(str::to_owned).collect())
    };
    let mut changed = list(&["ls-files", "--modified", "--deleted", "-z"])?;
    changed.extend(list(&["diff", "--cached", "--name-only", "--relative", "-z"])?);
    let untracked = list(&["ls-files", "--others", "--exclude-standard", "-z"])?;
    Ok(Some(Uncommitted { changed, untracked }))
}

/// How many versions of a file are looked at.
const VERSIONS: usize = 1000;

/// The versions of a file that the commits in this clone have, each with whether it can be run.
///
/// # Errors
/// When git refuses.
pub fn history(folder: &Path, path: &str) -> Result<Vec<(Vec<u8>, Mode)>> {
    let arguments = ["log", "--all", "--full-history", "--no-renames", "--format=", "--raw", "--no-abbrev"];
    let log = text(git(folder).args(arguments).args(["--", path]), "git does not tell the history")?;
    let mut seen = BTreeMap::new();
    for line in log.lines() {
        if let [_, mode, _, id, ..] = line.split_whitespace().collect::<Vec<_>>()[..]
            && mode.starts_with("100")
            && seen.len() < VERSIONS
        {
            seen.insert(id, if mode == "100755" { Mode::Executable } else { Mode::Plain });
        }
    }
    let ids: Vec<&str> = seen.keys().copied().collect();
    Ok(blobs(folder, &ids)?.into_iter().zip(seen.into_values()).collect())
}

/// The contents of files, in the order of their ids.
fn blobs(folder: &Path, ids: &[&str]) -> Result<Vec<Vec<u8>>> {
    let unclear = || Error::new(Code::Git, "git cat-file answered otherwise than expected");
    let mut child = git(folder)
        .args(["cat-file", "--batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| missing(&error))?;
    let asked = ids.join("\n") + "\n";
    let stdin = child.stdin.take();
    // Git answers while it is being asked: both pipes fill up unless one end has a thread of its own.
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(asked.as_bytes())));
        child.wait_with_output()
    });
    let output = output.map_err(|_| unclear())?.stdout;
    let mut rest = output.as_slice();
    ids.iter()
        .map(|_| {
            let end = rest.iter().position(|byte| *byte == b'\n')?;
            let head = str::from_utf8(&rest[..end]).ok()?;
            let size: usize = head.rsplit(' ').next()?.parse().ok()?;
            let content = rest.get(end + 1..end + 1 + size)?.to_vec();
            rest = rest.get(end + size + 2..)?;
            Some(content)
        })
        .collect::<Option<_>>()
        .ok_or_else(unclear)
}

/// The last tag that looks like a release and that the checkout descends from; none without one, or outside of any
/// repository.
///
/// # Errors
/// When git refuses to look, or the history that could hold the tag is not here.
pub fn last_tag(folder: &Path) -> Result<Option<String>> {
    let here = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    if !encloses(&here) {
        return Ok(None);
    }
    let shallow = text(
        git(&here).args(["rev-parse", "--is-shallow-repository"]),
        "git cannot look for the last release",
    )? == "true";
    let arguments = ["describe", "--tags", "--abbrev=0", "--match=v[0-9]*.[0-9]*.[0-9]*"];
    // It also fails when there is no tag; git itself has just been seen to work.
    match text(git(&here).args(arguments), "no tag") {
        Ok(tag) => Ok(Some(tag).filter(|tag| !tag.is_empty())),
        Err(_) if shallow => {
            let error =
                Error::new(Code::Git, "the last release cannot be looked for: this checkout is shallow");
            Err(error.hint("git fetch --unshallow --tags; in a workflow, fetch-depth: 0"))
        }
        Err(_) => Ok(None),
    }
}

/// What git prints, without the space around it.
fn text(command: &mut Command, refusal: &str) -> Result<String> {
    Ok(String::from_utf8_lossy(&run(command, refusal)?).trim().to_owned())
}

/// What git prints; when it refuses, `refusal` and git's own reason.
fn run(command: &mut Command, refusal: &str) -> Result<Vec<u8>> {
    let output = command.env("LC_ALL", "C").output().map_err(|error| missing(&error))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let mut lines = said.lines().filter(|line| !line.trim().is_empty());
    let reason = lines.next().unwrap_or("it did not say why").trim_start_matches("fatal: ");
    let error = Error::new(Code::Git, format!("{refusal}: {reason}"));
    // How to trust a repository of another owner, or which path was meant.
    let advice = lines.map(str::trim).find_map(|line| match line.strip_prefix("hint: ") {
        None if line.starts_with("git config ") => Some(format!("if you trust it: {line}")),
        hint => hint.map(str::to_owned),
    });
    Err(advice.into_iter().fold(error, Error::hint))
}

fn missing(error: &io::Error) -> Error {
    let reason = match error.kind() {
        io::ErrorKind::NotFound => "git is not installed".to_owned(),
        _ => format!("git cannot be started: {error}"),
    };
    Error::new(Code::Git, reason)
}

/// Whether `folder` lies in a repository.
pub fn encloses(folder: &Path) -> bool {
    folder.ancestors().any(|ancestor| ancestor.join(".git").exists())
}

fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command.current_dir(folder).stdin(Stdio::null());
    for variable in REDIRECTIONS {
        command.env_remove(variable);
    }
    command
}
