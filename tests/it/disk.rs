//! Where a repository can go, where it cannot, and that a refusal leaves the disk as it was.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use cargo_mcp::tree::{File, Mode};
use serde_json::json;

use crate::harness::{Files, Run, Sandbox, mode, skip};

/// Runs, expects `code`, and compares the working folder with what it was.
#[track_caller]
fn refused(sandbox: &Sandbox, run: Run, code: &str, says: &str) {
    let before = (sandbox.entries(""), sandbox.files(""));
    run.fails(code, says);
    assert_eq!((sandbox.entries(""), sandbox.files("")), before, "the disk is not as it was");
}

fn reference() -> Files {
    let sandbox = Sandbox::new();
    sandbox.new_server(["x"]).ok();
    sandbox.files("x")
}

#[test]
fn what_is_there_already_stays() {
    let sandbox = Sandbox::new();
    sandbox.write("full/mine.txt", "mine");
    sandbox.write("hidden/.mine", "mine");
    sandbox.write("file", "mine");
    symlink("nowhere", sandbox.path("dangling")).unwrap();
    symlink("full", sandbox.path("to-full")).unwrap();
    let server = |path| sandbox.new_server([path, "--name", "x"]);
    refused(&sandbox, server("full"), "target_not_empty", "it holds mine.txt");
    refused(&sandbox, server("hidden"), "target_not_empty", "it holds .mine");
    refused(&sandbox, server("to-full"), "target_not_empty", "not empty");
    refused(&sandbox, server("file"), "target_not_a_directory", "not a folder");
    refused(&sandbox, server("file/x"), "target_not_a_directory", "a file");
    refused(&sandbox, server("dangling"), "target_not_a_directory", "link to nothing");
    refused(&sandbox, server("no/such/parent"), "target_parent_missing", "no/such does not exist");
    refused(&sandbox, server("nowhere/.."), "target_parent_missing", "does not exist");
    refused(&sandbox, server("."), "target_not_empty", "not empty");
    refused(&sandbox, sandbox.new_server(["/"]).args(["--name", "x"]), "target_not_empty", "/ is not empty");
}

#[test]
fn an_empty_folder_is_filled_and_keeps_its_permissions() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("x")).unwrap();
    fs::set_permissions(sandbox.path("x"), Permissions::from_mode(0o700)).unwrap();
    sandbox.new_server(["x"]).ok();
    assert_eq!(mode(&sandbox.path("x")), 0o700);
    assert!(sandbox.files("x") == reference());
    assert_eq!(sandbox.entries(""), ["x"]);
}

#[test]
fn the_current_folder_stays_the_same_folder() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("x")).unwrap();
    let inode = sandbox.path("x").metadata().unwrap().ino();
    let output = sandbox.mcp(["new", ".", "-y", "--format", "json"]).dir(sandbox.path("x")).ok();
    assert_eq!(output.json()["name"], "x");
    assert_eq!(sandbox.path("x").metadata().unwrap().ino(), inode);
    assert!(sandbox.path("x/.git/HEAD").exists());
    assert!(sandbox.files("x") == reference());
    assert!(sandbox.entries("x").iter().all(|name| !name.starts_with(".cargo-mcp-")));
}

#[test]
fn a_folder_that_only_holds_a_git_repository_is_filled() {
    for vcs in [&["-y"][..], &["-y", "--vcs", "git"]] {
        let sandbox = Sandbox::new();
        let head = sandbox.write("x/.git/HEAD", "ref: refs/heads/trunk\n");
        sandbox.mcp(["new", "x"]).args(vcs).ok();
        assert!(sandbox.files("x") == reference());
        assert_eq!(fs::read_to_string(head).unwrap(), "ref: refs/heads/trunk\n");
        assert_eq!(sandbox.entries(""), ["x"]);
    }
}

#[test]
fn links_lead_to_their_folders() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("real")).unwrap();
    symlink("real", sandbox.path("link")).unwrap();
    sandbox.new_server(["link/x"]).ok();
    assert!(sandbox.files("real/x") == reference());
    fs::create_dir(sandbox.path("empty")).unwrap();
    symlink("empty", sandbox.path("to-empty")).unwrap();
    sandbox.new_server(["to-empty", "--name", "x"]).ok();
    assert!(sandbox.files("empty") == reference());
    assert!(sandbox.path("to-empty").symlink_metadata().unwrap().is_symlink());
}

#[test]
fn modes_follow_the_umask() {
    let sandbox = Sandbox::new();
    let run = |umask: &str, name: &str| {
        let script = format!("umask {umask} && exec \"$0\" new {name} --name x -y --vcs none");
        let mut command = Command::new("sh");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_cargo-mcp")]);
        assert!(command.current_dir(sandbox.path("")).stdout(Stdio::null()).status().unwrap().success());
    };
    run("022", "open");
    run("077", "closed");
    assert_eq!(mode(&sandbox.path("open/README.md")), 0o644);
    assert_eq!(mode(&sandbox.path("closed/README.md")), 0o600);
    assert_eq!(mode(&sandbox.path("closed")), 0o700);
}

#[test]
fn stale_staging_folders_are_swept_and_nothing_else() {
    let sandbox = Sandbox::new();
    let stale = ".cargo-mcp-staging-0123456789abcdef";
    let others = [
        ".cargo-mcp-staging-",
        ".cargo-mcp-staging-0123456789abcdeX",
        ".cargo-mcp-staging-0123456789abcdef0",
    ];
    sandbox.write(&format!("{stale}/deep/file"), "left by a killed run");
    sandbox.write("outside/mine", "mine");
    symlink(sandbox.path("outside"), sandbox.path(stale).join("link")).unwrap();
    for other in others {
        sandbox.write(&format!("{other}/mine"), "mine");
    }
    let linked = ".cargo-mcp-staging-fedcba9876543210";
    symlink(sandbox.path("outside"), sandbox.path(linked)).unwrap();
    sandbox.new_server(["x"]).ok();
    let mut left = vec!["outside", "x", linked];
    left.extend(others);
    left.sort_unstable();
    assert_eq!(sandbox.entries(""), left);
    assert_eq!(sandbox.entries("outside"), ["mine"]);
}

#[test]
fn a_staging_folder_in_use_is_left_alone() {
    let sandbox = Sandbox::new();
    let busy = sandbox.path(".cargo-mcp-staging-0123456789abcdef");
    fs::create_dir(&busy).unwrap();
    let lock = fs::File::open(&busy).unwrap();
    lock.try_lock().unwrap();
    sandbox.new_server(["x"]).ok();
    assert!(busy.exists());
    drop(lock);
    sandbox.new_server(["y", "--name", "x"]).ok();
    assert!(!busy.exists());
}

#[test]
fn an_interrupted_move_is_finished_and_overwrites_nothing() {
    let sandbox = Sandbox::new();
    sandbox.new_server(["done", "--name", "x"]).ok();
    let ready = "x/.cargo-mcp-ready-0123456789abcdef";
    let steps = sandbox.files("done").into_iter().map(|(path, (_, bytes))| {
        let after = File { bytes: bytes.into(), mode: Mode::Plain }.sha256();
        json!({ "step": "create", "path": path, "after": after })
    });
    let steps: Vec<_> = steps.collect();
    let folders: BTreeSet<_> = steps
        .iter()
        .flat_map(|step| Path::new(step["path"].as_str().unwrap()).ancestors().skip(1))
        .filter(|folder| !folder.as_os_str().is_empty())
        .collect();
    let journal = json!({ "folders": folders, "steps": steps, "git_init": null });
    sandbox.write(&format!("{ready}/journal.json"), journal.to_string());
    fs::create_dir(sandbox.path(ready).join("old")).unwrap();
    fs::rename(sandbox.path("done"), sandbox.path(ready).join("new")).unwrap();
    fs::rename(sandbox.path(ready).join("new/README.md"), sandbox.path("x/README.md")).unwrap();
    sandbox.write("x/Makefile", "mine");
    let again = || sandbox.new_server([".", "--description", "other answers"]).dir(sandbox.path("x"));
    refused(&sandbox, again(), "target_not_empty", "Makefile is in the way");
    fs::remove_file(sandbox.path("x/Makefile")).unwrap();
    let output = again().exits(0);
    assert!(output.stderr.contains("an earlier run was interrupted"), "{}", output.stderr);
    assert!(output.stdout.starts_with("Created"));
    assert!(sandbox.files("x") == reference());
}

#[test]
fn many_runs_at_once_do_not_disturb_each_other() {
    let sandbox = Sandbox::new();
    let start = |name: &str| {
        let mut command = sandbox.command();
        command.args(["new", name, "--name", "x", "-y", "--vcs", "none"]);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let runs: Vec<_> = ["a", "b", "c", "same", "same", "same"].map(start).into_iter().collect();
    let codes: Vec<_> = runs.into_iter().map(|mut run| run.wait().unwrap().code().unwrap()).collect();
    assert_eq!(codes[..3], [0, 0, 0]);
    assert_eq!(codes[3..].iter().filter(|code| **code == 0).count(), 1, "{codes:?}");
    assert_eq!(sandbox.entries(""), ["a", "b", "c", "same"]);
    for name in ["a", "b", "c", "same"] {
        assert!(sandbox.files(name) == reference(), "{name}");
    }
}

/// Runs `script` as `nobody` where tests run as root, whom permissions do not stop.
fn as_nobody(sandbox: &Sandbox, arguments: &[&str]) -> Option<std::process::Output> {
    let root = fs::metadata("/proc/self").ok()?.uid() == 0;
    let mut command = sandbox.command();
    if root {
        // The binary may lie where nobody may look, so a copy of it lies beside the working folder.
        let copy = sandbox.home().join("cargo-mcp");
        fs::copy(env!("CARGO_BIN_EXE_cargo-mcp"), &copy).unwrap();
        fs::set_permissions(sandbox.home().parent().unwrap(), Permissions::from_mode(0o755)).unwrap();
        command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]).arg(copy);
        command.current_dir(sandbox.path("")).env("HOME", "/nonexistent");
    }
    command.args(["new", "--name", "x", "-y", "--vcs", "none"]).args(arguments).output().ok()
}

#[test]
fn a_folder_without_permission_is_refused() {
    let sandbox = Sandbox::new();
    fs::create_dir(sandbox.path("locked")).unwrap();
    fs::set_permissions(sandbox.path("locked"), Permissions::from_mode(0o555)).unwrap();
    let Some(output) = as_nobody(&sandbox, &["locked/x"]) else { return skip("setpriv is missing") };
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("permission denied") && stderr.contains("hint: "), "{stderr}");
    assert!(sandbox.entries("locked").is_empty());
}

#[test]
fn an_empty_folder_of_ones_own_in_one_that_is_not_is_filled_in_place() {
    let sandbox = Sandbox::new();
    fs::create_dir_all(sandbox.path("locked/mine")).unwrap();
    fs::set_permissions(sandbox.path("locked/mine"), Permissions::from_mode(0o777)).unwrap();
    fs::set_permissions(sandbox.path("locked"), Permissions::from_mode(0o555)).unwrap();
    let Some(output) = as_nobody(&sandbox, &["locked/mine"]) else { return skip("setpriv is missing") };
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(sandbox.path("locked/mine/.cargo-mcp/manifest.toml").exists());
    assert_eq!(sandbox.entries("locked"), ["mine"]);
}

/// A small file system of its own in `folder`, unmounted when it is dropped.
struct Mount<'a>(&'a Path);

impl<'a> Mount<'a> {
    fn tmpfs(folder: &'a Path, options: &str) -> Option<Self> {
        fs::create_dir_all(folder).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(folder).stderr(Stdio::null());
        mount.status().is_ok_and(|status| status.success()).then_some(Self(folder))
    }
}

impl Drop for Mount<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

#[test]
fn a_full_disk_is_refused_and_left_as_it_was() {
    let sandbox = Sandbox::new();
    let disk = sandbox.path("disk");
    let Some(_mount) = Mount::tmpfs(&disk, "size=64k") else { return skip("no tmpfs can be mounted") };
    for target in ["disk/x", "disk"] {
        sandbox.new_server([target, "--name", "x"]).fails("no_space", "no space is left");
        assert!(sandbox.entries("disk").is_empty(), "{target}: {:?}", sandbox.entries("disk"));
    }
}

#[test]
fn a_read_only_disk_is_refused() {
    let sandbox = Sandbox::new();
    let disk = sandbox.path("disk");
    let Some(_mount) = Mount::tmpfs(&disk, "ro") else { return skip("no tmpfs can be mounted") };
    sandbox.new_server(["disk/x"]).fails("permission_denied", "read-only");
    sandbox.new_server(["disk", "--name", "x"]).fails("permission_denied", "read-only");
}

#[test]
fn a_mount_point_is_filled_in_place() {
    let sandbox = Sandbox::new();
    let disk = sandbox.path("disk");
    let Some(_mount) = Mount::tmpfs(&disk, "size=16m") else { return skip("no tmpfs can be mounted") };
    sandbox.new_server(["disk", "--name", "x"]).ok();
    assert!(sandbox.files("disk") == reference());
    assert_eq!(sandbox.entries(""), ["disk"]);
}

#[test]
fn a_path_that_is_no_text_is_a_path() {
    use std::os::unix::ffi::OsStrExt as _;
    let sandbox = Sandbox::new();
    let odd = std::ffi::OsStr::from_bytes(b"\xff");
    let output = sandbox.new_server([odd]).args(["--name", "x", "--format", "json"]).ok();
    assert_eq!(output.json()["name"], "x");
    assert!(sandbox.path("").join(odd).join("README.md").exists());
    sandbox.new_server([odd]).args(["--vcs", "none"]).exits(2);
}
