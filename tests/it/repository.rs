//! A generated repository, opened again: what it records, and what is on the disk.

use std::fs;

use cargo_mcp::error::Code;
use cargo_mcp::path::RepoPath;
use cargo_mcp::repo::{Repository, base, manifest};
use cargo_mcp::template::Library;

use crate::harness::{Sandbox, languages};

fn open(sandbox: &Sandbox) -> Repository {
    Repository::find(&sandbox.path("x")).unwrap().unwrap()
}

#[test]
fn what_was_written_is_what_is_recorded_and_what_is_there() {
    for language in languages() {
        let sandbox = Sandbox::new();
        sandbox.new_server(["x", "--lang", language, "--description", "One\u{2028}two"]).ok();
        let repository = open(&sandbox);
        let (base, tree) = (repository.base().unwrap(), repository.tree().unwrap());
        let changed: Vec<_> = base.iter().filter(|(path, file)| tree.get(path) != Some(file)).collect();
        assert!(changed.is_empty() && base.len() == tree.len(), "{language}: {changed:?}");
        let template = Library::embedded().named(language).unwrap();
        let answers = repository.answers(&template).unwrap();
        assert_eq!((answers.name.as_str(), answers.values["description"].as_str()), ("x", "One\u{2028}two"));
        fs::remove_file(sandbox.path("x/README.md")).unwrap();
        assert!(!repository.tree().unwrap().contains_key(&RepoPath::new("README.md").unwrap()));
    }
}

#[test]
fn a_question_that_was_not_asked_then_has_its_default_and_an_impossible_answer_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.new_server(["x"]).ok();
    let template = Library::embedded().default().unwrap();
    let mut repository = open(&sandbox);
    repository.manifest.answers.remove("license");
    assert_eq!(repository.answers(&template).unwrap().values["license"], "MIT");
    repository.manifest.answers.insert("license".to_owned(), "WTFPL".to_owned());
    assert_eq!(repository.answers(&template).unwrap_err().code, Code::AnswerInvalid);
}

/// It is started and looked at as its own template version said, whatever templates say today.
#[test]
fn a_repository_is_known_by_the_facts_that_it_records() {
    for language in languages() {
        let sandbox = Sandbox::new();
        sandbox.new_server(["x", "--lang", language]).ok();
        assert_eq!(open(&sandbox).version().unwrap().as_deref(), Some("0.1.0"));
        sandbox.write("x/moved.json", r#"{"server": {"version": "4.5.6"}}"#);
        let path = sandbox.path("x").join(manifest::PATH);
        let text = fs::read_to_string(&path).unwrap();
        let first = text.lines().find(|line| line.starts_with("  { path = ")).unwrap();
        let moved = "  { path = \"moved.json\", key = \"/server/version\" },";
        fs::write(path, text.replacen(first, moved, 1)).unwrap();
        let repository = open(&sandbox);
        assert_eq!(repository.version().unwrap().as_deref(), Some("4.5.6"));
        let tree = repository.with_version("5.0.0").unwrap();
        for (path, file) in &tree {
            assert!(String::from_utf8_lossy(&file.bytes).contains("5.0.0"), "{language}: {path}");
        }
        assert!(tree.contains_key(&RepoPath::new("moved.json").unwrap()), "{language}");
    }
}

#[test]
fn a_server_that_is_not_built_is_not_started() {
    for language in languages() {
        let sandbox = Sandbox::new();
        sandbox.new_server(["x", "--lang", language]).ok();
        let error = open(&sandbox).server().unwrap_err();
        assert_eq!((error.code, error.hint.as_deref()), (Code::Server, Some("run make install first")));
    }
}

#[test]
fn what_is_broken_is_named_by_its_code() {
    let sandbox = Sandbox::new();
    sandbox.new_server(["x"]).ok();
    let path = sandbox.path("x").join(manifest::PATH);
    let text = fs::read_to_string(&path).unwrap();
    let code = |text: &str| {
        fs::write(&path, text).unwrap();
        Repository::find(&sandbox.path("x")).unwrap_err().code
    };
    assert_eq!(code(&text.replace("schema = 1", "schema = 2\nunheard_of = true")), Code::ManifestLater);
    assert_eq!(code(&text.replace("[files]", "[fils]")), Code::ManifestBroken);
    assert_eq!(code(&text.replace("\"README.md\" =", "\"../README.md\" =")), Code::ManifestBroken);
    fs::write(&path, &text).unwrap();
    for damage in [&b"junk"[..], b""] {
        sandbox.write(&format!("x/{}", base::PATH), damage);
        assert_eq!(open(&sandbox).base().unwrap_err().code, Code::BaseBroken);
    }
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
    assert_eq!(Repository::find(&sandbox.path("x")).unwrap_err().code, Code::Unreadable);
}
