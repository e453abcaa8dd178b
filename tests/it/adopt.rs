//! `cargo mcp adopt`: what is there stays, what is missing comes, and updates go on from there.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::Value;

use crate::harness::{Files, Sandbox, languages};

fn first() -> &'static str {
    &languages()[0]
}

/// What is said of each file.
fn said(report: &Value) -> impl Fn(&str) -> String + '_ {
    |path: &str| {
        let files = report["files"].as_array().unwrap();
        let found = files.iter().find(|file| file["path"] == path);
        found.map_or("same", |file| file["action"].as_str().unwrap()).to_owned()
    }
}

#[test]
fn one_of_ours_that_lost_what_it_records_gets_it_back() {
    for language in languages() {
        let sandbox = Sandbox::new();
        sandbox.new_server(["x", "--lang", language, "--set", "license=Apache-2.0"]).ok();
        let whole = sandbox.files("x");
        fs::remove_dir_all(sandbox.path("x/.cargo-mcp")).unwrap();
        sandbox.mcp(["adopt", "x", "--set", "license=Apache-2.0", "--dry-run"]).ok();
        assert!(!sandbox.path("x/.cargo-mcp").exists());
        let report =
            sandbox.mcp(["adopt", "x", "--set", "license=Apache-2.0", "--format", "json"]).ok().json();
        assert_eq!(
            (&report["language"], &report["files"]),
            (&Value::from(language.as_str()), &Value::Array(vec![]))
        );
        assert!(sandbox.files("x") == whole, "{language}");
        sandbox.mcp(["update", "x", "--check"]).ok();
        sandbox.mcp(["adopt", "x"]).fails("managed", "under management already");
    }
}

/// What was in the repository before, byte for byte.
#[track_caller]
fn kept(before: &Files, after: &Files) {
    for (path, file) in before {
        assert!(after.get(path) == Some(file), "{path} was changed");
    }
}

#[test]
fn anyones_repository_gets_what_it_lacks_and_keeps_what_it_has() {
    let sandbox = Sandbox::new();
    sandbox.new_server(["model", "--name", "x", "--lang", first()]).ok();
    let model = sandbox.files("model");
    let config = String::from_utf8(model[".editorconfig"].1.clone()).unwrap();
    sandbox.write("x/.editorconfig", format!("{config}# mine\n"));
    sandbox.write("x/Makefile", "all:\n\techo mine\n");
    sandbox.write("x/README.md", "# Mine\n");
    sandbox.write("x/src/own.txt", "mine\n");
    sandbox.write("x/docs", "a file\n");
    sandbox.write("outside/secret", "secret\n");
    symlink("../outside", sandbox.path("x/deploy")).unwrap();
    let before = sandbox.files("x");
    let adopt = |arguments: &[&str]| {
        sandbox.mcp(["adopt", "x", "--lang", first(), "--format", "json"]).args(arguments).ok().json()
    };
    let planned = adopt(&["--dry-run"]);
    assert!(sandbox.files("x") == before);
    let report = adopt(&[]);
    assert_eq!(planned["files"], report["files"]);
    let of = said(&report);
    let paths =
        [".editorconfig", "Makefile", "README.md", "docs/api.md", "deploy/base/deployment.yaml", "LICENSE"]
            .map(of);
    assert_eq!(paths, ["merge", "keep", "keep", "leave", "leave", "create"]);
    let after = sandbox.files("x");
    kept(&before, &after);
    for (path, file) in model.iter().filter(|(path, _)| path.starts_with("src/")) {
        assert!(after.get(path) == Some(file), "{path}");
    }
    assert_eq!(sandbox.entries("outside"), ["secret"]);
    sandbox.mcp(["update", "x", "--check"]).ok();
    sandbox.mcp(["update", "x", "--allow-dirty"]).ok();
    kept(&after, &sandbox.files("x"));
}

#[test]
fn what_came_from_a_template_follows_it_and_what_did_not_is_left_alone() {
    let made = crate::update::Made::new(first());
    made.edit("x/.editorconfig", |text| format!("{text}# mine\n"));
    made.sandbox.write("x/Makefile", "all:\n\techo mine\n");
    fs::remove_dir_all(made.sandbox.path("x/.cargo-mcp")).unwrap();
    made.sandbox.mcp(["adopt", "x", "--template", "templates"]).ok();
    made.commit("x");
    made.release(|made| {
        made.edit("templates/shared/files/.editorconfig", |text| {
            text.replacen("root = true", "root = true # 2", 1)
        });
        made.edit("templates/shared/parts/Makefile", |text| format!("{text}\n# new\n"));
    });
    for _ in 0..2 {
        made.update([]).ok();
        made.commit("x");
    }
    let config = made.read("x/.editorconfig");
    assert!(config.contains("root = true # 2") && config.ends_with("# mine\n"), "{config}");
    assert_eq!(made.read("x/Makefile"), "all:\n\techo mine\n");
}

#[test]
fn the_language_is_that_of_the_project_file_or_is_asked_for() {
    let sandbox = Sandbox::new();
    sandbox.write("x/file", "");
    sandbox.mcp(["adopt", "x"]).fails("language_unknown", "say --lang");
    sandbox.mcp(["adopt", "x", "--lang", "cobol"]).fails("language_unknown", "cobol");
    sandbox.mcp(["adopt", "missing", "--lang", first()]).fails("not_generated", "missing");
    sandbox
        .mcp(["adopt", "x", "--lang", first(), "--name", "Bad Name"])
        .fails("name_invalid", "try bad-name");
    assert_eq!(sandbox.entries("x"), ["file"]);
    let text = sandbox.mcp(["adopt", "--lang", first()]).dir(sandbox.path("x")).ok().stdout;
    assert!(text.starts_with("Adopted ") && text.contains("  create LICENSE\n"), "{text}");
    assert!(text.ends_with("Next git diff, then make install lint test\n"), "{text}");
}
