//! Templates of somebody's own, laid over the program's.

use std::fs;

use cargo_mcp::template::proof::LAWS;

use crate::harness::{Sandbox, languages};
use crate::update::Made;

const SPEC: &str = r#"
drop = ["deploy/**", ".github/dependabot.yml"]

[template]
version = "1.0.0"
summary = "The house's own"

[facts]
memory_limit = "512Mi"

[roles]
documents = ["TEAM.md"]

[[file]]
path = "bin/deploy"
mode = "755"

[[question]]
key = "team"
default = "platform"
choices = ["platform", "data"]
help = "who operates the server"
"#;

/// A folder with a template that extends the first language.
fn overlay(sandbox: &Sandbox, spec: &str) {
    sandbox.write("house/template.toml", format!("extends = {:?}\n{spec}", languages()[0]));
    sandbox.write("house/README.md", "How to work on this template.\n");
    sandbox.write("house/files/.editorconfig", "root = false\n");
    sandbox.write("house/files/TEAM.md.tera", "<{ team }> runs <{ name }> in <{ facts.memory_limit }>\n");
    sandbox.write("house/files/bin/deploy", "#!/bin/sh\n");
}

#[test]
fn a_folder_adds_replaces_and_drops_files_and_asks_more() {
    let sandbox = Sandbox::new();
    overlay(&sandbox, SPEC);
    let made = ["x", "--template", "house", "--set", "team=DATA", "--format", "json"];
    assert_eq!(sandbox.new_server(made).ok().json()["template_version"], "1.0.0");
    let text = |path: &str| fs::read_to_string(sandbox.path("x").join(path)).unwrap();
    assert_eq!(text("TEAM.md"), "data runs x in 512Mi\n");
    assert_eq!(text(".editorconfig"), "root = false\n");
    assert_eq!(crate::harness::mode(&sandbox.path("x/bin/deploy")), 0o755);
    assert!(text("README.md").len() > 1000, "the files below are there");
    assert!(!sandbox.path("x/deploy").exists() && !sandbox.path("x/.github/dependabot.yml").exists());
    assert!(text(".cargo-mcp/manifest.toml").contains("\n[template]\nfrom = \"../house\"\n"));
    sandbox
        .new_server(["y", "--template", "house", "--set", "team=art"])
        .fails("answer_invalid", "platform, data");
}

#[test]
fn an_update_finds_the_folder_again_from_wherever_it_is_run() {
    let sandbox = Sandbox::new();
    overlay(&sandbox, SPEC);
    sandbox.new_server(["servers/x", "--template", "house"]).fails("target_parent_missing", "servers");
    fs::create_dir(sandbox.path("servers")).unwrap();
    sandbox.new_server(["servers/x", "--template", "house", "--set", "team=data"]).ok();
    sandbox.write("house/files/.editorconfig", "root = true\n");
    sandbox.write("house/files/TEAM.md.tera", "changed\n");
    sandbox.mcp(["update", "--allow-dirty"]).dir(sandbox.path("servers/x")).ok();
    assert_eq!(fs::read_to_string(sandbox.path("servers/x/.editorconfig")).unwrap(), "root = true\n");
    let team = fs::read_to_string(sandbox.path("servers/x/TEAM.md")).unwrap();
    assert!(team.starts_with("data runs"), "a seed was touched: {team}");
}

#[test]
fn a_git_repository_is_followed_by_branch_and_its_commit_recorded() {
    let made = Made::new(&languages()[0]);
    overlay(&made.sandbox, SPEC);
    made.commit("house");
    let address = format!("file://{}", made.sandbox.path("house").display());
    made.sandbox.new_server(["y", "--template", &address, "--ref", "main"]).ok();
    let manifest = made.read("y/.cargo-mcp/manifest.toml");
    assert!(manifest.contains("ref = \"main\"\nrevision = \""), "{manifest}");
    made.edit("house/files/.editorconfig", |text| format!("{text}# more\n"));
    made.sandbox.mcp(["update", "y", "--check"]).ok();
    made.commit("house");
    made.sandbox.mcp(["update", "y", "--allow-dirty"]).ok();
    assert!(made.read("y/.editorconfig").ends_with("# more\n"));
    assert_ne!(made.read("y/.cargo-mcp/manifest.toml"), manifest);
    made.sandbox.new_server(["z", "--template", &address, "--ref", "no-such"]).fails("git", "no-such");
    made.sandbox.new_server(["z", "--template", "ext::sh -c 'touch ran'://x"]).fails("git", "ext");
    made.sandbox.new_server(["z", "--template=--upload-pack=touch ran://x"]).fails("git", "hyphen");
    assert!(!made.sandbox.path("ran").exists() && !made.sandbox.path("z").exists());
}

#[test]
fn a_broken_template_is_refused_with_file_and_line() {
    for (spec, says) in [
        ("[template]\nversion = 1\n", "house/template.toml: line 3"),
        ("colour = 1\n[template]\nversion = \"1.0.0\"\n", "house/template.toml: line 2"),
        ("drop = [\"no/such\"]\n[template]\nversion = \"1.0.0\"\n", "no file no/such"),
        ("[template]\nversion = \"1.0.0\"\n[roles]\nkings = [\"x\"]\n", "no such role"),
    ] {
        let sandbox = Sandbox::new();
        overlay(&sandbox, spec);
        sandbox.new_server(["x", "--template", "house"]).fails("template", says);
    }
    let sandbox = Sandbox::new();
    overlay(&sandbox, SPEC);
    sandbox.write("house/files/bad.md.tera", "<{ nobody }>");
    sandbox.new_server(["x", "--template", "house"]).fails("template", "bad.md");
    sandbox.write("house/files/bad.md.tera", "");
    std::os::unix::fs::symlink("/etc/passwd", sandbox.path("house/files/link")).unwrap();
    sandbox.new_server(["x", "--template", "house"]).fails("unreadable", "symbolic link");
    sandbox.new_server(["x", "--template", "house", "--ref", "main"]).fails("usage", "is a folder");
    sandbox.new_server(["x", "--template", "missing"]).fails("template", "missing");
    assert!(!sandbox.path("x").exists());
}

/// Questions of every type, one of which depends on another.
const ASKING: &str = r#"
[template]
version = "1.0.0"

[[question]]
key = "audited"
type = "boolean"
default = false
help = "whether it is audited"

[[question]]
key = "auditor"
default = "nobody"
pattern = "[a-z]+"
when = "audited"
help = "lower-case letters"

[[question]]
key = "replicas"
type = "integer"
default = 2
help = "how many"
"#;

#[test]
fn answers_have_types_patterns_and_conditions() {
    let sandbox = Sandbox::new();
    overlay(&sandbox, ASKING);
    sandbox.write(
        "house/files/TEAM.md.tera",
        "<% if audited %>by <{ auditor }><% else %>no<% endif %> <{ replicas + 1 }>\n",
    );
    let server = |name: &str, set: &[&str]| {
        let set = set.iter().flat_map(|pair| ["--set", *pair]);
        sandbox.new_server(["--template", "house"]).args(set).args([name])
    };
    let text = |name: &str| fs::read_to_string(sandbox.path(name).join("TEAM.md")).unwrap();
    server("a", &[]).ok();
    assert_eq!(text("a"), "no 3\n");
    server("b", &["audited=true", "auditor=ada", "replicas=5"]).ok();
    assert_eq!(text("b"), "by ada 6\n");
    sandbox.write("answers.toml", "audited = true\nreplicas = 7\n");
    server("c", &[]).args(["--answers", "answers.toml"]).ok();
    assert_eq!(text("c"), "by nobody 8\n");
    server("d", &["audited=perhaps"]).fails("answer_invalid", "choose one of true, false");
    server("d", &["replicas=many"]).fails("answer_invalid", "no whole number");
    server("d", &["audited=true", "auditor=Ada"]).fails("answer_invalid", "does not match [a-z]+");
    server("d", &["auditor=ada"]).fails("answer_invalid", "nothing to answer unless audited");
    // An update drops what is not asked any more.
    let update = |set: &'static [&str]| {
        let set = set.iter().flat_map(|pair| ["--set", *pair]);
        sandbox.mcp(["update", "b", "--allow-dirty"]).args(set)
    };
    update(&["audited=false"]).ok();
    let manifest = fs::read_to_string(sandbox.path("b/.cargo-mcp/manifest.toml")).unwrap();
    assert!(manifest.contains("auditor = \"nobody\"") && manifest.contains("replicas = \"5\""), "{manifest}");
    update(&["auditor=ada"]).fails("answer_invalid", "nothing to answer");
}

/// What is exported is the language itself, and no flaw is in it.
#[test]
fn a_language_that_is_exported_makes_the_same_servers() {
    for language in languages() {
        let sandbox = Sandbox::new();
        let said = sandbox.mcp(["templates", "export", language, "house", "--format", "json"]).ok().json();
        assert_eq!(said["language"], language.as_str());
        let checked = sandbox.mcp(["templates", "check", "house"]).ok().stdout;
        assert_eq!(checked, format!("Nothing is wrong with the template of {language}.\n"));
        sandbox.new_server(["ours", "--name", "x", "--lang", language]).ok();
        let same = |name: &str| {
            sandbox.new_server([name, "--name", "x", "--template", "house"]).ok();
            let (mut found, mut wanted) = (sandbox.files(name), sandbox.files("ours"));
            for files in [&mut found, &mut wanted] {
                files.remove(".cargo-mcp/manifest.toml");
            }
            assert!(found == wanted, "{language}: {name}");
        };
        same("alone");
        // Laid over the language that it came from, it needs none of its files.
        let spec = fs::read_to_string(sandbox.path("house/template.toml")).unwrap();
        assert!(spec.contains(&format!("language = {language:?}\n")), "{spec}");
        let version = spec.lines().find(|line| line.starts_with("version = ")).unwrap();
        sandbox.write("house/template.toml", format!("extends = {language:?}\n[template]\n{version}\n"));
        same("over");
        fs::remove_dir_all(sandbox.path("house/files")).unwrap();
        fs::remove_dir_all(sandbox.path("house/parts")).unwrap();
        same("below");
        sandbox.mcp(["templates", "check", "house"]).ok();
        sandbox.mcp(["templates", "export", language, "house"]).fails("target_not_empty", "house");
    }
    Sandbox::new().mcp(["templates", "export", "cobol", "x"]).fails("language_unknown", "cobol");
}

#[test]
fn each_flaw_of_a_template_is_told_with_file_and_line() {
    let sandbox = Sandbox::new();
    overlay(&sandbox, SPEC);
    sandbox.mcp(["templates", "check", "house"]).ok();
    let spec = fs::read_to_string(sandbox.path("house/template.toml")).unwrap();
    let line = |text: &str| {
        let found = fs::read_to_string(sandbox.path("house/template.toml")).unwrap();
        found.lines().position(|line| line.contains(text)).unwrap() as u64 + 1
    };
    let found = || {
        let checked = sandbox.mcp(["templates", "check", "house", "--format", "json"]).exits(1).json();
        let flaws = checked["flaws"].as_array().unwrap().clone();
        assert_eq!(flaws.len(), 1, "{flaws:?}");
        let text = |key: &str| flaws[0][key].as_str().unwrap().to_owned();
        (text("rule"), text("file"), flaws[0]["line"].as_u64(), text("message"))
    };
    let told = |rule: &str, file: &str, line: Option<u64>, says: &str| {
        let (found_rule, found_file, found_line, message) = found();
        assert_eq!((found_rule.as_str(), found_file.as_str(), found_line), (rule, file, line), "{message}");
        assert!(message.contains(says), "{message}");
    };
    let file = "files/bad.md.tera";
    let bad = |text: &str| _ = sandbox.write("house/files/bad.md.tera", text);
    bad("one\n<% if %>\n");
    told("syntax", file, Some(2), "");
    bad("one\n\n<{ nobody }>\n");
    told("undefined", file, Some(3), "nobody is not defined");
    bad("one\n<{ facts.nothing }>\n");
    told("answer", file, Some(2), "nothing");
    bad("<% if team == \"data\" %>\n<{ team | round }><% endif %>\n");
    told("answer", file, Some(2), "when team is \"data\"");
    fs::remove_file(sandbox.path("house/files/bad.md.tera")).unwrap();

    let spec_with = |more: &str| _ = sandbox.write("house/template.toml", format!("{spec}\n{more}"));
    spec_with("[[question]]\nkey = \"idle\"\ndefault = \"\"\nhelp = \"nobody asks\"\n");
    told("unused", "template.toml", Some(line("\"idle\"")), "no text uses idle");
    spec_with("[[file]]\npath = \"no/such\"\nmode = \"755\"\n");
    told("unmatched", "template.toml", Some(line("no/such")), "no file matches no/such");
    spec_with("[[file]]\npath = \"bin/deploy\"\nwhen = \"nobody\"\n");
    told("undefined", "template.toml", Some(line("\"nobody\"")), "nobody");
    sandbox.write("house/template.toml", spec.replace("default = \"platform\"", "default = \"art\""));
    told("answer", "template.toml", Some(line("\"team\"")), "\"art\" is not a choice");
    spec_with("[rename]\n\"bin/deploy\" = \"../<{ name }>\"\n");
    told("path", "files/bin/deploy", None, "unsafe path");
    spec_with("[rename]\n\"bin/deploy\" = \"team.md\"\n");
    told("path", "files/bin/deploy", None, "would be called");
    sandbox.write("house/template.toml", &spec);
    sandbox.write("house/parts/idle", "nobody\n");
    told("unused", "parts/idle", None, "no file extends or includes it");
    let text = sandbox.mcp(["templates", "check", "house"]).exits(1).stdout;
    assert!(
        text.contains("flaw unused") && text.contains("parts/idle") && text.ends_with("1 flaw.\n"),
        "{text}"
    );
    let sarif = sandbox.mcp(["templates", "check", "house", "--format", "sarif"]).exits(1).json();
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "unused");
}

/// The example of README.md is a template without a flaw.
#[test]
fn the_example_of_the_readme_is_proved() {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let example = readme.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let sandbox = Sandbox::new();
    sandbox.write("house/template.toml", example);
    sandbox.write("house/files/NOTICE.tera", "<{ team }><% if team == \"data\" %> <{ pager }><% endif %>\n");
    sandbox.mcp(["templates", "check", "house"]).ok();
    sandbox.new_server(["x", "--template", "house", "--set", "team=data", "--set", "pager=1234"]).ok();
    assert_eq!(fs::read_to_string(sandbox.path("x/NOTICE")).unwrap(), "data 1234\n");
    sandbox
        .new_server(["y", "--template", "house", "--set", "pager=1234"])
        .fails("answer_invalid", "nothing to answer");
}

#[test]
fn what_can_be_wrong_with_a_template_is_a_table() {
    assert!(LAWS.is_sorted_by(|a, b| a.id < b.id), "sorted and unique");
    for law in LAWS {
        assert!(law.meaning.ends_with('.') && law.help.ends_with('.'), "{law:?}");
    }
}
