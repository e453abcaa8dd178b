//! A sandbox with a home of its own, and a builder that runs the command in it and checks what came out.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;
use walkdir::WalkDir;

/// The name that git knows in a sandbox.
pub const GIT_USER: &str = "Ada Lovelace";

/// An empty folder to work in, beside a home that knows nothing but git's user.
pub struct Sandbox {
    root: TempDir,
}

impl Sandbox {
    pub fn new() -> Self {
        Self::in_dir(&std::env::temp_dir())
    }

    pub fn in_dir(parent: &Path) -> Self {
        let root = TempDir::with_prefix_in("cargo-mcp-test-", parent).unwrap();
        fs::create_dir(root.path().join("work")).unwrap();
        fs::create_dir(root.path().join("home")).unwrap();
        fs::write(root.path().join("home/.gitconfig"), format!("[user]\n\tname = {GIT_USER}\n")).unwrap();
        Self { root }
    }

    /// A path in the working folder.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.root.path().join("work").join(relative)
    }

    pub fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    pub fn write(&self, relative: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// `cargo-mcp ARGUMENTS` in the working folder, without a terminal.
    pub fn mcp<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Run {
        let mut command = self.command();
        command.args(arguments);
        Run { command }
    }

    /// `cargo-mcp new -y --vcs none ARGUMENTS`
    pub fn new_server<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Run {
        self.mcp(["new", "-y", "--vcs", "none"]).args(arguments)
    }

    /// The bare command with the sandbox's environment.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-mcp"));
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("TERM", "xterm-256color")
            .current_dir(self.path(""));
        command
    }

    /// What lies in the working folder, hidden entries too, sorted.
    pub fn entries(&self, relative: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(relative)).unwrap();
        let mut names: Vec<_> =
            entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// The files below a folder with their content and mode, but for `.git`.
    pub fn files(&self, relative: &str) -> Files {
        files(&self.path(relative))
    }
}

pub type Files = BTreeMap<String, (u32, Vec<u8>)>;

pub fn files(root: &Path) -> Files {
    let walk = WalkDir::new(root).into_iter().filter_entry(|entry| entry.file_name() != ".git");
    let entries = walk.map(Result::unwrap).filter(|entry| !entry.file_type().is_dir());
    entries
        .map(|entry| {
            let path = entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            (path, (mode(entry.path()), fs::read(entry.path()).unwrap_or_default()))
        })
        .collect()
}

pub fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    path.symlink_metadata().unwrap().permissions().mode() & 0o777
}

/// A run that is being prepared.
pub struct Run {
    command: Command,
}

impl Run {
    pub fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.command.args(arguments);
        self
    }

    pub fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(key, value);
        self
    }

    pub fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Runs, whatever comes of it, and gives the exit code.
    pub fn code(mut self) -> Option<i32> {
        self.command.output().unwrap().status.code()
    }

    /// Runs, and expects exit code 0 and a silent stderr.
    #[track_caller]
    pub fn ok(self) -> Output {
        let output = self.exits(0);
        assert_eq!(output.stderr, "", "stderr of a run without problems");
        output
    }

    /// Runs, and expects exit code 2, a silent stdout, and one error of `code` whose text holds `says`.
    #[track_caller]
    pub fn fails(mut self, code: &str, says: &str) -> Output {
        self.command.args(["--format", "json"]);
        let output = self.exits(2);
        assert_eq!(output.stdout, "", "stdout of a run that fails");
        let error = &json(&output.stderr)["error"];
        assert_eq!(error["code"], code, "{error}");
        let text = format!("{} {}", error["message"].as_str().unwrap(), error["hint"].as_str().unwrap_or(""));
        assert!(text.contains(says), "{text:?} does not say {says:?}");
        output
    }

    #[track_caller]
    pub fn exits(self, code: i32) -> Output {
        let mut run = assert_cmd::Command::from_std(self.command);
        let output = run.output().unwrap();
        let output = Output {
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            code: output.status.code(),
        };
        assert_eq!(output.code, Some(code), "stdout: {}\nstderr: {}", output.stdout, output.stderr);
        output
    }
}

/// What a run left.
#[derive(Debug)]
pub struct Output {
    pub stdout: String,
    pub stderr: String,
    pub code: Option<i32>,
}

impl Output {
    #[track_caller]
    pub fn json(&self) -> Value {
        json(&self.stdout)
    }
}

#[track_caller]
pub fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text:?}"))
}

/// Every language that can be generated.
pub fn languages() -> &'static [String] {
    static LANGUAGES: OnceLock<Vec<String>> = OnceLock::new();
    LANGUAGES.get_or_init(|| {
        let listed = Sandbox::new().mcp(["templates", "--format", "json"]).ok().json();
        let templates = listed["templates"].as_array().unwrap();
        templates.iter().map(|template| template["language"].as_str().unwrap().to_owned()).collect()
    })
}

/// Says why a test proves nothing here; under `CI=true` that is a failure.
pub fn skip(reason: &str) {
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "cannot be tested here: {reason}");
    eprintln!("SKIPPED: {reason}");
}
