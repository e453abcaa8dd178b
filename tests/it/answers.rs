//! Names and answers: where they come from, which win, and which are refused.

use std::fs;

use crate::snapshot::templates;
use cargo_mcp::repo::manifest::{self, Manifest};

use crate::harness::{GIT_USER, Sandbox, languages};

fn answers(sandbox: &Sandbox, root: &str) -> std::collections::BTreeMap<String, String> {
    Manifest::parse(&fs::read_to_string(sandbox.path(root).join(manifest::PATH)).unwrap()).unwrap().answers
}

#[test]
fn flags_win_over_set_over_the_file_over_defaults() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "answers.toml",
        "description = 'file'\nauthor = 'file'\nlicense = 'Apache-2.0'\nname = 'from-file'\n",
    );
    sandbox
        .new_server([
            "x",
            "--answers",
            "answers.toml",
            "--set",
            "description=set",
            "--set",
            "author=set = it",
        ])
        .args(["--description", "flag"])
        .ok();
    let answers = answers(&sandbox, "x");
    let found = ["name", "description", "author", "license"].map(|key| answers[key].as_str());
    assert_eq!(found, ["from-file", "flag", "set = it", "Apache-2.0"]);
}

#[test]
fn the_author_is_gits_user_or_the_servers_authors() {
    let sandbox = Sandbox::new();
    sandbox.new_server(["a"]).ok();
    assert_eq!(answers(&sandbox, "a")["author"], GIT_USER);
    fs::write(sandbox.home().join(".gitconfig"), "").unwrap();
    sandbox.new_server(["b"]).ok();
    assert_eq!(answers(&sandbox, "b")["author"], "The b authors");
}

#[test]
fn empty_answers_are_defaults_and_choices_know_no_case() {
    let sandbox = Sandbox::new();
    sandbox.new_server(["a", "--description", "  ", "--license", "mit"]).ok();
    let answers = answers(&sandbox, "a");
    assert!(answers["description"].len() > 5);
    assert_eq!(answers["license"], "MIT");
}

#[test]
fn every_licence_gives_its_file_or_none() {
    for language in languages() {
        let sandbox = Sandbox::new();
        for (license, says) in
            [("MIT", Some("MIT License")), ("Apache-2.0", Some("Apache License")), ("none", None)]
        {
            sandbox.new_server([license, "--name", "x", "--lang", language, "--license", license]).ok();
            let text = fs::read_to_string(sandbox.path(license).join("LICENSE")).ok();
            assert_eq!(text.is_some(), says.is_some(), "{language} {license}");
            assert!(text.unwrap_or_default().contains(says.unwrap_or_default()), "{language} {license}");
        }
    }
}

#[test]
fn unusable_names_are_refused_with_one_that_can_be_used() {
    let sandbox = Sandbox::new();
    let long = "a".repeat(65);
    for (name, says) in [
        ("MyServer", "try my-server"),
        ("my_server", "try my-server"),
        ("1st", "try st"),
        ("a--b", "try a-b"),
        ("日本", "try my-server"),
        (&long, "longer than 64"),
        ("nul", "device"),
        ("com1", "device"),
        ("", "empty"),
    ] {
        sandbox.new_server(["--name", name]).fails("name_invalid", says);
        assert!(sandbox.entries("").is_empty());
    }
    sandbox.new_server(["Bad Name"]).fails("name_invalid", "try bad-name");
    sandbox.new_server(["Bad Name", "--name", "good"]).ok();
}

#[test]
fn what_a_language_and_its_dependencies_keep_is_refused_and_each_suggestion_works() {
    for template in templates() {
        let names = &template.spec.names;
        assert!(names.reserved.len() > 2 && names.shadows.len() > 3, "{}", template.language);
        let sandbox = Sandbox::new();
        for (list, says) in [(&names.reserved, "of its own"), (&names.shadows, "shadow a dependency")] {
            let name = list.iter().find(|word| word.bytes().all(|b| b.is_ascii_lowercase())).unwrap();
            let output = sandbox
                .new_server(["--lang", &template.language, "--name", name])
                .fails("name_invalid", says);
            let hint = output.stderr.split("try ").nth(1).unwrap();
            let suggestion = hint.split('"').next().unwrap();
            sandbox.new_server(["--lang", &template.language, "--name", suggestion]).ok();
        }
    }
}

#[test]
fn unknown_keys_and_impossible_answers_are_refused() {
    let sandbox = Sandbox::new();
    let server = |arguments: &[&str]| sandbox.new_server(["x"]).args(arguments.iter().copied());
    server(&["--set", "descripton=x"]).fails("answer_invalid", "did you mean description?");
    server(&["--set", "zzz=x"]).fails("answer_invalid", "the questions are name, language");
    server(&["--set", "zzz"]).fails("usage", "KEY=VALUE");
    server(&["--license", "GPL"]).fails("answer_invalid", "choose one of MIT, Apache-2.0, none");
    server(&["--description", "a\nb"]).fails("answer_invalid", "U+000A");
    server(&["--author", "a\u{1b}[31m"]).fails("answer_invalid", "U+001B");
    server(&["--author", "a\u{85}b"]).fails("answer_invalid", "U+0085");
    server(&["--lang", "cobol"]).fails("language_unknown", "the languages are");
    let near = format!("{}x", languages()[0]);
    server(&["--lang", &near]).fails("language_unknown", &format!("did you mean {}?", languages()[0]));
    assert!(sandbox.entries("").is_empty());
}

#[test]
fn a_broken_answers_file_is_named() {
    let sandbox = Sandbox::new();
    sandbox.write("broken.toml", "name = 'x'\noops");
    sandbox.write("number.toml", "name = 1.5");
    sandbox.write("unknown.toml", "licence = 'MIT'");
    sandbox.write("latin1.toml", b"name = '\xe9'");
    let server = |file| sandbox.new_server(["x", "--answers", file]);
    server("broken.toml").fails("answers_file", "broken.toml: line 2");
    server("number.toml")
        .fails("answers_file", "name: expected a string, a whole number, true or false, found float");
    server("unknown.toml").fails("answer_invalid", "did you mean license?");
    server("latin1.toml").fails("answers_file", "latin1.toml");
    server("missing.toml").fails("answers_file", "missing.toml");
    assert!(!sandbox.path("x").exists());
}

#[test]
fn without_a_terminal_nothing_is_asked() {
    let sandbox = Sandbox::new();
    for arguments in [&["new"][..], &["new", "-y"]] {
        sandbox.mcp(arguments).fails("name_missing", "cargo mcp new my-server");
    }
    let output = sandbox.mcp(["new", "my-server"]).exits(0);
    assert!(output.stdout.starts_with("Created"));
    sandbox.mcp(["new", "--name", "from-name"]).ok();
    assert_eq!(sandbox.entries(""), ["from-name", "my-server"]);
}

#[test]
fn an_error_is_a_message_and_a_hint() {
    let sandbox = Sandbox::new();
    let output = sandbox.mcp(["new", "A\u{1b}B", "-y"]).exits(2);
    let lines: Vec<_> = output.stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("error: ") && lines[1].starts_with("hint: "), "{lines:?}");
    assert!(!output.stderr.contains('\u{1b}'));
}
