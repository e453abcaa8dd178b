//! Many repositories in one run.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::update::{Made, first};

#[test]
fn many_are_updated_side_by_side_and_one_that_fails_stops_none() {
    let made = Made::new(first());
    made.git("", &["clone", "--quiet", "x", "conflict"]);
    made.edit("conflict/.editorconfig", |text| text.replacen("root = true", "root = false", 1));
    made.commit("conflict");
    made.git("", &["clone", "--quiet", "x", "dirty"]);
    made.edit("dirty/.editorconfig", |text| format!("{text}# mine\n"));
    made.usual_release();
    made.generate("current");
    made.commit("current");
    made.sandbox.write("nothing/file", "");
    let names = ["x", "conflict", "dirty", "current", "nothing"];
    let checked = made.sandbox.mcp(["update", "--check", "x", "current", "--format", "json"]).exits(1).json();
    assert_eq!(checked["repositories"][0]["status"], "updated");
    let run = made.sandbox.mcp(["update", "--format", "json"]).args(names).exits(2);
    let outcomes = run.json();
    let outcomes = outcomes["repositories"].as_array().unwrap();
    let said: Vec<_> = outcomes
        .iter()
        .map(|outcome| {
            outcome["status"].as_str().unwrap_or_else(|| outcome["error"]["code"].as_str().unwrap())
        })
        .collect();
    assert_eq!(said, ["updated", "conflicts", "work_tree_dirty", "up_to_date", "not_generated"]);
    assert_eq!(outcomes[1]["conflicts"], serde_json::json!([".editorconfig"]));
    assert!(run.stderr.contains("2 of 5 repositories failed"), "{}", run.stderr);
    let text = made.sandbox.mcp(["update", "x", "current", "nothing"]).exits(2).stdout;
    assert!(text.ends_with("0 updated, 0 conflicts, 2 up to date, 1 failed\n"), "{text}");
}

/// A template in a git repository is fetched once a run, whatever the number of repositories that follow it.
#[test]
fn what_many_follow_is_fetched_once() {
    let made = Made::new(first());
    made.sandbox
        .write("house/template.toml", format!("extends = {:?}\n[template]\nversion = \"1.0.0\"\n", first()));
    made.commit("house");
    let address = format!("file://{}", made.sandbox.path("house").display());
    for name in ["a", "b", "c"] {
        made.sandbox.new_server([name, "--template", &address]).ok();
    }
    made.sandbox.write("house/files/NEW.md", "new\n");
    made.commit("house");
    let path = std::env::var("PATH").unwrap();
    let log = made.sandbox.path("asked");
    let shim = format!("#!/bin/sh\necho \"$*\" >>'{}'\nPATH='{path}' exec git \"$@\"\n", log.display());
    let shim = made.sandbox.write("bin/git", shim);
    fs::set_permissions(&shim, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{path}", made.sandbox.path("bin").display());
    made.sandbox.mcp(["update", "--allow-dirty", "a", "b", "c"]).env("PATH", path).ok();
    for name in ["a", "b", "c"] {
        assert_eq!(made.read(&format!("{name}/NEW.md")), "new\n");
    }
    let asked = fs::read_to_string(log).unwrap();
    assert_eq!(asked.lines().filter(|line| line.contains(" fetch ")).count(), 1, "{asked}");
}
