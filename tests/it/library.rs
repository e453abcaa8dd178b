//! Templates from outside: a language is a folder, and a folder is untrusted.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use cargo_mcp::error::{Code, Error};
use cargo_mcp::path::RepoPath;
use cargo_mcp::template::answers::Answers;
use cargo_mcp::template::spec::Policy;
use cargo_mcp::template::{Library, Template};
use cargo_mcp::tree::Mode;
use tempfile::TempDir;

use crate::snapshot::{rendered, templates};

const SHARED: &str = r#"
[facts]
memory_limit = "1Mi"

[rename]
"MODULE" = "<{ package }>"

[[file]]
path = "bin/*"
mode = "755"
when = 'license == "MIT"'

[[role]]
name = "project"
policy = "seed"

[[role]]
name = "documents"
policy = "managed"
paths = ["*.md"]

[[question]]
key = "author"
default = "nobody"
help = "who"

[[question]]
key = "license"
default = "MIT"
help = "which"
"#;

/// A language that nobody has heard of, whose facts use an answer.
const KLINGON: &str = r#"
[template]
version = "1.0.0"
order = 1
summary = "honour"

[names]
package = "<{ name | snake }>"
reserved = ["petaq"]

[[question]]
key = "ship"
default = "rotarran"
pattern = '[a-z0-9/-]+'
help = "whose"

[facts]
title = "Klingon"
runtime = "a bat'leth"
versions = []
built = "x"
build_step = "make"
command = "x"
args = []
client_command = "x"
client_args = []
test_one = "x"
lock = []
manifest_file = "x"
dependabot = "x"
first_build = ""
registry = "x"
artifact = "x"
lint_tools = "x"
scan_tools = "x"
concurrency = "x"
stack = []
alternatives = []
memory_request = "x"
memory_limit = "2Mi"
peak_memory_mib = "x"
contract_env = {}
version_files = []

[facts.paths]
module = "example.com/<{ author }>/<{ package }>"

[facts.tests]

[[file]]
path = "bin/*"
when = 'license == "none"'

[roles]
project = ["MODULE/**"]
"#;

/// A library of one language, with what `change` makes of its files.
fn library(change: impl FnOnce(&Path)) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in [
        ("shared/template.toml", SHARED),
        ("shared/files/README.md", "shared"),
        ("shared/files/bin/run", "#!/bin/sh"),
        ("shared/parts/greeting", "nuqneH, <% block whom %><% endblock %>!"),
        ("klingon/template.toml", KLINGON),
        (
            "klingon/files/README.md.tera",
            "<% extends \"parts/greeting\" %><% block whom %><{ facts.paths.module }><% endblock %>",
        ),
        ("klingon/files/MODULE/main", "Qapla'"),
    ] {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    change(root.path());
    root
}

fn load(root: &TempDir) -> Result<Template, Error> {
    Library::folder(root.path())?.named("Klingon")
}

/// The library is refused with `code`, and the message says where and what.
#[track_caller]
fn refused(change: impl FnOnce(&Path), code: Code, says: &[&str]) {
    let root = library(change);
    let error = load(&root).unwrap_err();
    assert_eq!(error.code, code, "{error}");
    for word in says {
        assert!(error.message.contains(word), "{error} does not say {word}");
    }
    assert!(!error.message.contains('\n'), "{error}");
}

fn replace(file: &'static str, from: &'static str, to: &'static str) -> impl FnOnce(&Path) {
    move |root| {
        let path = root.join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from));
        fs::write(path, text.replacen(from, to, 1)).unwrap();
    }
}

#[test]
fn a_language_is_a_folder() {
    let root = library(|_| {});
    let template = load(&root).unwrap();
    let (_, rendered) = rendered(&template, &[("name", "my-ship"), ("author", "worf"), ("license", "none")]);
    let text =
        |path: &str| String::from_utf8(rendered.tree[&RepoPath::new(path).unwrap()].bytes.to_vec()).unwrap();
    assert_eq!(text("README.md"), "nuqneH, example.com/worf/my_ship!");
    assert_eq!(text("my_ship/main"), "Qapla'");
    assert_eq!(rendered.facts.memory_limit, "2Mi");
    let error = template.check_name("petaq").unwrap_err();
    assert_eq!(error.hint.as_deref(), Some("try petaq-server"));
}

#[test]
fn an_answer_that_lands_in_code_holds_nothing_strange() {
    let template = load(&library(|_| {})).unwrap();
    let complete = |ship: &str| {
        let given = [("name", "x"), ("ship", ship)].map(|(key, value)| (key.to_owned(), value.to_owned()));
        Answers::complete(&template, &given.into())
    };
    assert_eq!(complete("fleet/ship-7").unwrap().values["ship"], "fleet/ship-7");
    for ship in ["a b", "a\"b", "\u{e9}"] {
        let error = complete(ship).unwrap_err();
        let says = format!("ship: {ship:?} does not match [a-z0-9/-]+");
        assert_eq!((error.code, error.message), (Code::AnswerInvalid, says));
        assert_eq!(error.hint.as_deref(), Some("whose"));
    }
}

#[test]
fn a_rule_of_a_language_merges_with_the_shared_one_field_by_field() {
    let root = library(|_| {});
    let template = load(&root).unwrap();
    for (license, is_there) in [("none", true), ("MIT", false)] {
        let (_, rendered) = rendered(&template, &[("name", "x"), ("license", license)]);
        let run = rendered.tree.get(&RepoPath::new("bin/run").unwrap());
        assert_eq!(run.map(|file| file.mode), is_there.then_some(Mode::Executable));
    }
}

#[test]
fn an_unknown_or_misplaced_key_is_an_error_that_names_it() {
    let broken = Code::Template;
    let shared = "shared/template.toml";
    let own = "klingon/template.toml";
    refused(replace(shared, "mode = ", "moed = "), broken, &[shared, "line", "moed"]);
    refused(replace(shared, "[facts]", "[names]\nreserved = []\n[facts]"), broken, &[shared, "names"]);
    refused(replace(shared, "memory_limit", "memory_limt"), broken, &[shared, "facts.memory_limt"]);
    refused(replace(own, "order = 1", "order = 1\ncolour = 1"), broken, &[own, "line", "colour"]);
    refused(replace(own, "title = ", "titel = "), broken, &[own, "facts.titel"]);
    refused(replace(own, "title = \"Klingon\"", ""), broken, &[own, "title"]);
    refused(replace(own, "project = ", "projekt = "), broken, &[own, "roles.projekt"]);
    refused(replace(own, "project = [\"MODULE/**\"]", ""), broken, &[own, "roles.project is missing"]);
    refused(replace(own, "when = ", "policy = \"seed\"\nwhen = "), broken, &[own, "policy"]);
    refused(|root| fs::remove_file(root.join(shared)).unwrap(), broken, &[shared, "missing"]);
    refused(|root| fs::write(root.join(own), b"\xff").unwrap(), broken, &[own, "utf-8"]);
}

#[test]
fn a_folder_of_templates_is_not_trusted() {
    refused(
        |root| std::os::unix::fs::symlink("/etc/passwd", root.join("klingon/files/link")).unwrap(),
        Code::Unreadable,
        &["klingon/files/link", "symbolic link"],
    );
    refused(|root| fs::write(root.join("klingon/files/a\\b"), "").unwrap(), Code::PathUnsafe, &["a\\\\b"]);
    refused(
        |root| {
            fs::create_dir(root.join("klingon/files/.git")).unwrap();
            fs::write(root.join("klingon/files/.git/config"), "").unwrap();
        },
        Code::PathUnsafe,
        &[".git"],
    );
    refused(
        |root| fs::File::create(root.join("klingon/files/big")).unwrap().set_len(17 << 20).unwrap(),
        Code::Unreadable,
        &["klingon/files/big", "longer than 16 MiB"],
    );
    refused(
        |root| {
            for index in 0..4_001 {
                fs::write(root.join(format!("klingon/files/{index}")), "").unwrap();
            }
        },
        Code::Unreadable,
        &["more than 4000 files"],
    );
}

#[test]
fn what_files_are_for_has_the_same_policy_in_every_language() {
    for template in templates() {
        let policies = template.shared.roles.iter().map(|role| (role.name.as_str(), role.policy));
        assert_eq!(
            policies.collect::<Vec<_>>(),
            [
                ("project", Policy::Managed),
                ("lock", Policy::Managed),
                ("tools", Policy::Seed),
                ("tests", Policy::Managed),
                ("contracts", Policy::Seed),
                ("documents", Policy::Seed),
                ("deployment", Policy::Seed),
            ]
        );
        let of = |path: &str| template.policy(path);
        assert_eq!(of(&template.facts.manifest_file), Policy::Managed);
        for lock in &template.facts.lock {
            assert_eq!(of(lock), Policy::Managed, "{lock}");
        }
    }
}

/// The policy of the file, or of the files in the folder, that each path of the facts names.
fn policies(template: &Template) -> BTreeMap<String, BTreeSet<String>> {
    let (_, rendered) = rendered(template, &[("name", "my-server")]);
    let facts = &rendered.facts;
    let of = |place: &String| {
        let is_there = |path: &str| path == place || path.starts_with(&format!("{place}/"));
        let found = rendered.policies.iter().filter(|(path, _)| is_there(path.as_str()));
        found.map(|(_, policy)| format!("{policy:?}")).collect()
    };
    facts.paths.iter().chain(&facts.tests).map(|(key, place)| (key.clone(), of(place))).collect()
}

#[test]
fn the_same_thing_has_the_same_policy_in_every_language() {
    let templates = templates();
    let (first, others) = templates.split_first().unwrap();
    let expected = policies(first);
    for (key, policy) in [("tools", "Seed"), ("settings", "Seed"), ("server", "Managed"), ("http", "Managed")]
    {
        assert!(expected[key].contains(policy) && expected[key].len() == 1, "{key}: {:?}", expected[key]);
    }
    for other in others {
        assert_eq!(policies(other), expected, "{} and {}", other.language, first.language);
    }
}
