//! `cargo mcp new`: what it writes, and what it says.

use std::fs;
use std::process::Command;

use cargo_mcp::path::RepoPath;
use cargo_mcp::repo::base;
use cargo_mcp::repo::manifest::{self, Entry, Manifest};

use crate::harness::{Files, Sandbox, languages};

const OWN: [&str; 2] = [manifest::PATH, base::PATH];

#[test]
fn it_says_in_three_lines_what_was_made_and_what_to_type_next() {
    let sandbox = Sandbox::new();
    let output = sandbox.mcp(["new", "my-server", "-y"]).ok();
    let lines: Vec<_> = output.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{lines:#?}");
    assert!(lines[0].starts_with("Created ") && lines[0].contains("my-server") && lines[0].contains("git"));
    assert!(lines[1].ends_with("cd my-server && make install test"), "{}", lines[1]);
    assert!(lines[2].ends_with("make serve"), "{}", lines[2]);
    assert_eq!(sandbox.entries(""), ["my-server"]);
}

#[test]
fn what_to_type_next_can_be_pasted() {
    let sandbox = Sandbox::new();
    let output = sandbox.new_server(["it's $(here)", "--name", "a"]).ok();
    assert!(output.stdout.contains(r"cd 'it'\''s $(here)' && make"), "{}", output.stdout);
    fs::create_dir(sandbox.path("here")).unwrap();
    let output = sandbox.new_server(["."]).dir(sandbox.path("here")).ok();
    assert!(output.stdout.lines().nth(1).unwrap().ends_with(" make install test"), "{}", output.stdout);
    assert!(!output.stdout.contains("cd "), "{}", output.stdout);
}

#[test]
fn two_runs_give_identical_trees() {
    for language in languages() {
        let sandbox = Sandbox::new();
        for place in ["one", "two"] {
            sandbox.new_server([place, "--name", "same", "--lang", language]).ok();
        }
        assert!(sandbox.files("one") == sandbox.files("two"), "{language}");
    }
}

#[test]
fn a_dry_run_prints_the_plan_that_a_real_run_carries_out() {
    for language in languages() {
        let sandbox = Sandbox::new();
        let arguments = ["my-server", "--lang", language, "--format", "json"];
        let mut dry = sandbox.new_server(arguments).args(["--dry-run"]).ok().json();
        assert!(sandbox.entries("").is_empty());
        let real = sandbox.new_server(arguments).ok().json();
        assert_eq!(dry["dry_run"], true);
        dry["dry_run"] = false.into();
        assert_eq!(dry, real);
        let files = sandbox.files("my-server");
        let planned = real["plan"].as_array().unwrap();
        assert_eq!(planned.len(), files.len());
        for (action, (path, (mode, bytes))) in planned.iter().zip(&files) {
            assert_eq!(action["path"], path.as_str());
            assert_eq!(action["bytes"], bytes.len());
            assert_eq!(action["mode"], format!("{mode:o}"), "{path}");
        }
    }
}

#[test]
fn a_dry_run_for_people_lists_the_files() {
    let sandbox = Sandbox::new();
    let output = sandbox.mcp(["new", "my-server", "-y", "--dry-run"]).ok().stdout;
    for line in ["create README.md (", "create .cargo-mcp/manifest.toml (", "create .git (git init"] {
        assert!(output.contains(line), "{output}");
    }
    assert!(output.lines().last().unwrap().starts_with("Nothing was written"));
    assert!(sandbox.entries("").is_empty());
}

#[test]
fn the_manifest_records_the_answers_and_each_file() {
    for language in languages() {
        let sandbox = Sandbox::new();
        sandbox
            .new_server(["my-server", "--lang", language, "--description", "Says \"hi\" \u{2028}\u{202e} é"])
            .ok();
        let manifest = read_manifest(&sandbox, "my-server");
        assert_eq!(manifest.language, *language);
        assert_eq!(manifest.tool_version, env!("CARGO_PKG_VERSION"));
        assert_eq!(manifest.answers["name"], "my-server");
        assert_eq!(manifest.answers["description"], "Says \"hi\" \u{2028}\u{202e} é");
        let mut files = sandbox.files("my-server");
        for path in OWN {
            files.remove(path).unwrap();
        }
        assert!(manifest.files.keys().map(RepoPath::as_str).eq(files.keys().map(String::as_str)));
        let line = |(path, entry): (&RepoPath, &Entry)| format!("{}  {path}", entry.sha256);
        let sums: Vec<_> = manifest.files.iter().map(line).collect();
        let sums = sandbox.write("sums", sums.join("\n"));
        let check = Command::new("sha256sum")
            .args(["--check", "--quiet"])
            .arg(sums)
            .current_dir(sandbox.path("my-server"))
            .output();
        assert!(check.unwrap().status.success());
    }
}

#[test]
fn the_base_holds_the_pristine_render_and_opens_with_tar() {
    let sandbox = Sandbox::new();
    sandbox.new_server(["my-server"]).ok();
    let mut files = sandbox.files("my-server");
    let packed = files.remove(base::PATH).unwrap().1;
    files.remove(manifest::PATH).unwrap();
    let tree = base::unpack(&packed).unwrap();
    let unpacked: Files = tree
        .into_iter()
        .map(|(path, file)| (path.to_string(), (file.mode.bits(), file.bytes.into_owned())))
        .collect();
    assert!(unpacked == files);
    let tar = zstd::decode_all(packed.as_slice()).unwrap();
    fs::write(sandbox.path("base.tar"), tar).unwrap();
    let listed = Command::new("tar")
        .args(["tvf", "base.tar", "--utc"])
        .current_dir(sandbox.path(""))
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert_eq!(listed.lines().count(), files.len());
    assert!(
        listed.lines().all(|line| line.contains(" 0/0 ") && line.contains("1970-01-01 00:00")),
        "{listed}"
    );
}

#[test]
fn a_new_repository_is_under_git_unless_it_lies_in_one() {
    let sandbox = Sandbox::new();
    sandbox.mcp(["new", "alone", "-y"]).ok();
    assert_eq!(fs::read_to_string(sandbox.path("alone/.git/HEAD")).unwrap(), "ref: refs/heads/main\n");
    sandbox.mcp(["new", "alone/nested", "-y"]).ok();
    assert!(!sandbox.path("alone/nested/.git").exists());
    sandbox.mcp(["new", "alone/asked", "-y", "--vcs", "git"]).ok();
    assert!(sandbox.path("alone/asked/.git").exists());
    sandbox.mcp(["new", "bare", "-y", "--vcs", "none"]).ok();
    assert!(!sandbox.path("bare/.git").exists());
    // As in a hook of another repository, whose variables must not lead git there.
    sandbox.mcp(["new", "hook", "-y"]).env("GIT_DIR", sandbox.path("alone/.git")).ok();
    assert!(sandbox.path("hook/.git/HEAD").exists());
}

#[test]
fn everything_that_is_written_can_be_committed() {
    for language in languages() {
        let sandbox = Sandbox::new();
        sandbox.mcp(["new", "my-server", "-y", "--lang", language]).ok();
        let git = |arguments: &[&str]| {
            let output = Command::new("git")
                .args(arguments)
                .env("HOME", sandbox.home())
                .current_dir(sandbox.path("my-server"))
                .output()
                .unwrap();
            String::from_utf8(output.stdout).unwrap()
        };
        git(&["add", "."]);
        let tracked = git(&["-c", "core.quotepath=off", "ls-files"]);
        let tracked: Vec<_> = tracked.lines().collect();
        let files = sandbox.files("my-server");
        let ignored: Vec<_> = files.keys().filter(|path| !tracked.contains(&path.as_str())).collect();
        assert!(ignored.is_empty(), "{language}: git ignores {ignored:?}");
    }
}

#[test]
fn without_git_it_goes_on_unless_git_was_asked_for() {
    let sandbox = Sandbox::new();
    let output = sandbox.mcp(["new", "a", "-y"]).env("PATH", "/nonexistent").exits(0);
    assert!(output.stderr.contains("warning: git is not installed"), "{}", output.stderr);
    assert!(sandbox.path("a/README.md").exists());
    sandbox.mcp(["new", "b", "-y", "--vcs", "git"]).env("PATH", "/nonexistent").fails("git", "--vcs none");
    fs::create_dir(sandbox.path("c")).unwrap();
    let here = sandbox.mcp(["new", ".", "-y", "--vcs", "git"]).dir(sandbox.path("c"));
    here.env("PATH", "/nonexistent").fails("git", "--vcs none");
    assert_eq!(sandbox.entries("c"), [""; 0]);
    assert_eq!(sandbox.entries(""), ["a", "c"]);
}

fn read_manifest(sandbox: &Sandbox, root: &str) -> Manifest {
    Manifest::parse(&fs::read_to_string(sandbox.path(root).join(manifest::PATH)).unwrap()).unwrap()
}
