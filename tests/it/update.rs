//! `cargo mcp update`, with two versions of the real templates: what people do to a repository between them is kept.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::harness::{Files, Run, Sandbox, files, languages, mode};

/// A sandbox with a copy of the templates, and a server in a git repository that was made from it.
pub struct Made {
    pub sandbox: Sandbox,
    pub language: String,
}

impl Made {
    pub fn new(language: &str) -> Self {
        let sandbox = Sandbox::new();
        let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
        for (path, (_, bytes)) in files(&templates) {
            sandbox.write(&format!("templates/{path}"), bytes);
        }
        let made = Self { sandbox, language: language.to_owned() };
        made.generate("x");
        made.commit("x");
        made
    }

    pub fn generate(&self, target: &str) {
        self.sandbox
            .new_server([target, "--name", "x", "--template", "templates", "--lang", &self.language])
            .ok();
    }

    pub fn git(&self, folder: &str, arguments: &[&str]) {
        let mut command = Command::new("git");
        command.args(["-c", "user.email=ada@example.com"]).args(arguments).env("HOME", self.sandbox.home());
        let output = command.current_dir(self.sandbox.path(folder)).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    pub fn commit(&self, folder: &str) {
        self.git(folder, &["init", "--quiet", "--initial-branch=main"]);
        self.git(folder, &["add", "--all"]);
        self.git(folder, &["commit", "--quiet", "--allow-empty", "--message", "as it is"]);
    }

    pub fn update<const N: usize>(&self, arguments: [&str; N]) -> Run {
        self.sandbox.mcp(["update"]).args(arguments).dir(self.sandbox.path("x"))
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.sandbox.path(path)).unwrap()
    }

    /// Changes a file; the path is that of the working folder.
    pub fn edit(&self, path: &str, change: impl Fn(&str) -> String) {
        let text = self.read(path);
        let changed = change(&text);
        assert_ne!(text, changed, "{path} does not change");
        fs::write(self.sandbox.path(path), changed).unwrap();
    }

    /// Changes the templates and makes them version 0.2.0.
    pub fn release(&self, change: impl FnOnce(&Self)) {
        change(self);
        let spec = format!("templates/{}/template.toml", self.language);
        self.edit(&spec, |text| text.replacen("version = \"0.1.0\"", "version = \"0.2.0\"", 1));
    }

    /// A release as they are: a file is new, one is gone, one has moved, one is executable, some have changed.
    pub fn usual_release(&self) {
        self.release(|made| {
            made.sandbox.write("templates/shared/files/docs/new.md", "new\n");
            fs::remove_file(made.sandbox.path("templates/shared/files/docs/troubleshooting.md")).unwrap();
            fs::rename(
                made.sandbox.path("templates/shared/files/docs/runbook.md.tera"),
                made.sandbox.path("templates/shared/files/docs/operations.md.tera"),
            )
            .unwrap();
            made.edit("templates/shared/files/docs/operations.md.tera", |text| {
                format!("{text}\nThe last line.\n")
            });
            made.edit("templates/shared/files/.editorconfig", |text| {
                text.replacen("root = true", "root = true # 2", 1)
            });
            made.edit("templates/shared/template.toml", |text| {
                let rule = "[[file]]\npath = \".editorconfig\"\nmode = \"755\"\n";
                format!("{text}\n{rule}\n[moved]\n\"docs/runbook.md\" = \"docs/operations.md\"\n")
            });
        });
    }

    /// Changes the templates once more, without another version.
    pub fn release_again(&self, change: impl Fn(&Self)) {
        change(self);
    }

    pub fn repository(&self) -> Files {
        files(&self.sandbox.path("x"))
    }
}

/// Says which files differ, and fails if any do.
#[track_caller]
pub fn same(left: &Files, right: &Files) {
    let differs = |path: &&String| left.get(*path) != right.get(*path);
    let differing: Vec<_> = left.keys().chain(right.keys()).filter(differs).collect();
    assert!(differing.is_empty(), "these differ: {differing:?}");
}

pub fn first() -> &'static str {
    &languages()[0]
}

#[test]
fn what_nobody_changed_becomes_what_new_writes() {
    for language in languages() {
        let made = Made::new(language);
        let before = made.repository();
        made.usual_release();
        made.generate("y");
        let found = made.update(["--check"]).exits(1).stdout;
        assert!(found.contains("+root = true # 2") && found.contains("template 0.1.0 → 0.2.0"), "{found}");
        made.update(["--dry-run"]).ok();
        same(&made.repository(), &before);
        made.update([]).ok();
        // A seed that names the version of the template stays as it was.
        for repository in ["x", "y"] {
            fs::remove_file(made.sandbox.path(repository).join("CHANGELOG.md")).unwrap();
        }
        same(&made.repository(), &made.sandbox.files("y"));
        assert!(made.update(["--check"]).ok().stdout.starts_with("Up to date"), "{language}");
    }
}

#[test]
fn after_new_there_is_nothing_to_update() {
    for language in languages() {
        let sandbox = Sandbox::new();
        sandbox.new_server(["x", "--lang", language]).ok();
        let before = sandbox.files("x");
        sandbox.mcp(["update", "x", "--check"]).ok();
        sandbox.mcp(["update", "x"]).ok();
        same(&sandbox.files("x"), &before);
    }
}

#[test]
fn what_people_changed_is_kept_and_goes_along() {
    for language in languages() {
        kept(&Made::new(language));
    }
}

fn kept(made: &Made) {
    made.edit("x/.editorconfig", |text| format!("{text}# mine\n"));
    made.edit("x/docs/runbook.md", |text| format!("Mine.\n{text}"));
    made.edit("x/README.md", |_| "All mine.\n".to_owned());
    made.sandbox.write("x/src/own", "own\n");
    fs::remove_file(made.sandbox.path("x/.env.example")).unwrap();
    fs::set_permissions(made.sandbox.path("x/Makefile"), fs::Permissions::from_mode(0o755)).unwrap();
    made.commit("x");
    made.usual_release();
    made.release_again(|made| {
        made.edit("templates/shared/files/.env.example.tera", |text| format!("{text}NEW=1\n"));
        made.edit("templates/shared/parts/Makefile", |text| format!("{text}\n# new\n"));
        made.edit("templates/shared/files/README.md.tera", |text| format!("{text}\nnew\n"));
    });
    let updated = made.update(["--format", "json"]).ok().json();
    assert_eq!(updated["status"], "updated");
    let of = |path: &str| {
        let files = updated["files"].as_array().unwrap();
        files.iter().find(|file| file["path"] == path).map_or("none", |file| file["action"].as_str().unwrap())
    };
    let said =
        [".editorconfig", "docs/operations.md", "README.md", ".env.example", "Makefile", "docs/new.md"]
            .map(of);
    assert_eq!(said, ["merge", "merge", "none", "none", "update", "create"]);
    let config = made.read("x/.editorconfig");
    assert!(config.contains("root = true # 2") && config.ends_with("# mine\n"), "{config}");
    let runbook = made.read("x/docs/operations.md");
    assert!(runbook.starts_with("Mine.\n") && runbook.ends_with("The last line.\n"), "{runbook}");
    assert_eq!(made.read("x/README.md"), "All mine.\n");
    assert_eq!(made.read("x/src/own"), "own\n");
    assert!(made.read("x/Makefile").ends_with("# new\n"));
    assert_eq!(
        [mode(&made.sandbox.path("x/Makefile")), mode(&made.sandbox.path("x/.editorconfig"))],
        [0o755; 2]
    );
    for gone in [".env.example", "docs/runbook.md", "docs/troubleshooting.md"] {
        assert!(!made.sandbox.path("x").join(gone).exists(), "{gone}");
    }
    made.commit("x");
    made.update(["--restore", "Makefile"]).fails("usage", "is there");
    made.update(["--restore", "no/such"]).fails("usage", "wrote no");
    made.update(["--restore", ".env.example"]).ok();
    assert!(made.read("x/.env.example").ends_with("NEW=1\n"));
}

#[test]
fn sides_that_meet_are_marked_resolved_or_taken_back() {
    let made = Made::new(first());
    made.edit("x/.editorconfig", |text| text.replacen("root = true", "root = false", 1));
    made.edit("x/docs/troubleshooting.md", |text| format!("{text}mine\n"));
    made.commit("x");
    let before = made.repository();
    made.usual_release();
    let updated = made.update(["--format", "json"]).exits(1).json();
    assert_eq!(updated["status"], "conflicts");
    let conflicts: Vec<_> = updated["files"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|file| file["action"] == "conflict")
        .cloned()
        .collect();
    assert_eq!(
        serde_json::Value::from(conflicts),
        serde_json::json!([
            { "path": ".editorconfig", "action": "conflict", "conflict": "marked", "places": 1, "base": true },
            { "path": "docs/troubleshooting.md", "action": "conflict", "conflict": "removed" },
        ])
    );
    let marked = "<<<<<<< yours\nroot = false\n||||||| template 0.1.0\nroot = true\n=======\nroot = true # 2\n>>>>>>> template 0.2.0\n";
    assert!(made.read("x/.editorconfig").contains(marked), "{}", made.read("x/.editorconfig"));
    assert!(made.read("x/docs/troubleshooting.md").ends_with("mine\n"));

    made.update([]).fails("unresolved", ".editorconfig:");
    made.update(["--continue"]).fails("unresolved", ".editorconfig:");
    let undone = made.update(["--abort"]).ok().stdout;
    assert!(undone.contains("as it was before the update"), "{undone}");
    same(&made.repository(), &before);
    made.update(["--abort"]).fails("nothing_pending", "no update");

    made.update([]).exits(1);
    made.edit("x/.editorconfig", |text| text.replace(marked, "root = false # 2\n"));
    made.update(["--continue"]).ok();
    assert!(!made.sandbox.path("x/.cargo-mcp/pending").exists());
    made.commit("x");
    made.update(["--check"]).ok();
    assert!(made.read("x/.editorconfig").contains("root = false # 2\n"));
}

#[test]
fn who_resolves_and_forgets_to_say_so_can_go_on() {
    let made = Made::new(first());
    made.edit("x/.editorconfig", |text| text.replacen("root = true", "root = false", 1));
    made.commit("x");
    made.usual_release();
    made.update([]).exits(1);
    made.edit("x/.editorconfig", |_| "root = false\n".to_owned());
    made.commit("x");
    made.update([]).ok();
    assert!(!made.sandbox.path("x/.cargo-mcp/pending").exists());
    // In another clone nothing is pending, but the markers tell.
    made.sandbox.write("x/.editorconfig", "<<<<<<< yours\n");
    made.commit("x");
    made.update([]).fails("unresolved", ".editorconfig:1");
}

#[test]
fn an_answer_changes_and_the_rest_stays() {
    let made = Made::new(first());
    made.edit("x/README.md", |_| "All mine.\n".to_owned());
    made.commit("x");
    // The template has a newer seed too: it stays what it was, since no answer changes it.
    made.edit("templates/shared/files/docs/outcomes.md.tera", |text| format!("{text}newer\n"));
    let outcomes = made.read("x/docs/outcomes.md");
    made.update(["--set", "license=Apache-2.0", "--set", "description=Mine"]).ok();
    assert_eq!(made.read("x/docs/outcomes.md"), outcomes);
    assert!(made.read("x/LICENSE").contains("Apache License"));
    assert!(made.read("x/.cargo-mcp/manifest.toml").contains("description = \"Mine\""));
    assert_eq!(made.read("x/README.md"), "All mine.\n");
    made.update(["--set", "name=other"]).fails("answer_invalid", "cannot change it");
    made.update(["--set", "colour=red"]).fails("answer_invalid", "no question");
    made.update(["--set", "license=GPL"]).fails("answer_invalid", "not a choice");
}

#[test]
fn a_file_that_moved_twice_is_followed_to_the_end() {
    let made = Made::new(first());
    made.edit("x/docs/runbook.md", |text| format!("Mine.\n{text}"));
    made.commit("x");
    made.release(|made| {
        let at = |path: &str| made.sandbox.path("templates/shared/files").join(path);
        fs::rename(at("docs/runbook.md.tera"), at("OPERATE.md.tera")).unwrap();
        made.edit("templates/shared/template.toml", |text| {
            format!("{text}\n[moved]\n\"docs/runbook.md\" = \"docs/operate.md\"\n\"docs/operate.md\" = \"OPERATE.md\"\n")
        });
    });
    let text = made.update([]).ok().stdout;
    assert!(text.contains("OPERATE.md from docs/runbook.md"), "{text}");
    assert!(made.read("x/OPERATE.md").starts_with("Mine.\n"));
}

/// The update that README.md shows, carried out: it reads as it says there.
#[test]
fn the_update_in_the_readme_is_a_real_one() {
    let made = Made::new(first());
    let deployment = "deploy/base/deployment.yaml";
    made.edit(&format!("x/{deployment}"), |text| text.replace("384Mi", "512Mi"));
    made.edit("x/docs/runbook.md", |text| format!("This server is run by the weather team.\n\n{text}"));
    made.commit("x");
    made.release(|made| {
        made.edit("templates/shared/template.toml", |text| text.replace("384Mi", "448Mi"));
        made.edit("templates/shared/files/.editorconfig", |text| {
            format!("# One style for all editors.\n{text}")
        });
        made.edit("templates/shared/files/docs/runbook.md.tera", |text| {
            format!("{text}\nTell those who wait.\n")
        });
        made.sandbox.write("templates/shared/files/docs/on-call.md", "# On call\n");
    });
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let shown = |command: &str| {
        let rest = readme
            .split(&format!("$ {command}\n"))
            .nth(1)
            .unwrap_or_else(|| panic!("README lacks {command}"));
        rest.split("\n\n").next().unwrap().split("\n```").next().unwrap().to_owned() + "\n"
    };
    let place = made.sandbox.path("x").canonicalize().unwrap();
    let said = |text: String| text.replace(place.to_str().unwrap(), "/home/ada/weather");
    assert_eq!(said(made.update([]).exits(1).stdout), shown("cargo mcp update"));
    let marked = shown(&format!("sed -n 63,69p {deployment}"));
    let text = made.read(&format!("x/{deployment}"));
    assert!(text.lines().skip(62).take(7).eq(marked.lines()), "{text}");
    made.edit(&format!("x/{deployment}"), |text| text.replace(&marked, "              memory: 512Mi\n"));
    assert_eq!(made.update(["--continue"]).ok().stdout, shown("cargo mcp update --continue"));
    made.commit("x");
    let check = "git commit --quiet --all --message \"Template 0.2.0\" && cargo mcp update --check";
    assert_eq!(said(made.update(["--check"]).ok().stdout), shown(check));
}
