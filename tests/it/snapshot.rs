//! Each generated line, pinned: a reviewer of a template sees in `snapshots/` what changes for users.
//!
//! A file that is copied, or in which only the server's name stands, shows its lines in the template's own diff, so
//! only its digest stands here. One that has more to render stands here whole: in `shared/` where all languages have
//! the same, else by language. `make snapshots` accepts what is generated now.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use cargo_mcp::path::RepoPath;
use cargo_mcp::repo::manifest::Manifest;
use cargo_mcp::template::answers::{Answers, Given};
use cargo_mcp::template::render::{Rendered, render};
use cargo_mcp::template::{Library, Source, Template};
use cargo_mcp::tree::File;
use walkdir::WalkDir;

/// A file longer than this is a lock or data.
const MAX_LENGTH: usize = 40_000;

/// Answers that go through every filter with what it is there for.
pub const HOSTILE: [(&str, &str); 5] = [
    ("name", "a-name-of-sixty-four-characters-that-has-to-fit-everywhere-12345"),
    (
        "description",
        "Say \"hi\" & 'bye' \\ $(touch pwned) `id` ${HOME} {{ x }} <{ y }> <% z %> ${{ github.token }} \
         '''\"\"\" */ /* --> <b>#\u{202e} \u{2028} 👩\u{200d}🚀 %s {0} Zoë",
    ),
    ("author", "O'Neil \"$(id)\" \\ <script> #1 {{ a }} \u{2066}"),
    ("license", "Apache-2.0"),
    ("codeowners", "@org/team \u{202e}#x $(id) `id`"),
];

/// Compares `text` with `snapshots/NAME.snap`.
#[track_caller]
pub fn pin(name: &str, text: &str) {
    let path = root().join(name);
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path(path.parent().unwrap());
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(path.file_name().unwrap().to_str().unwrap(), text));
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots")
}

pub fn library() -> Library {
    Library::embedded()
}

pub fn templates() -> Vec<Template> {
    library().all().unwrap()
}

pub fn rendered(template: &Template, answers: &[(&str, &str)]) -> (Answers, Rendered) {
    let given: Given = answers.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let answers = Answers::complete(template, &given).unwrap();
    let rendered = render(template, &answers).unwrap();
    (answers, rendered)
}

/// What stands between the marks of a template's expressions.
fn expressions(text: &str) -> impl Iterator<Item = &str> {
    text.split("<{").skip(1).filter_map(|rest| rest.split("}>").next()).map(str::trim)
}

/// Whether a file shows more than the server's name in its place.
fn is_reviewed(source: &Source) -> bool {
    let Ok(text) = str::from_utf8(&source.bytes) else { return false };
    let is_name = |expression: &str| ["name", "package", "module_path"].contains(&expression);
    source.rendered && text.len() <= MAX_LENGTH && (text.contains("<%") || !expressions(text).all(is_name))
}

/// The files of `template` that a person would review, as they are rendered for default answers.
fn reviewed(mut template: Template) -> BTreeMap<String, String> {
    template.sources.retain(|_, source| is_reviewed(source));
    let (_, rendered) = rendered(&template, &DEFAULT);
    let text = |file: File| String::from_utf8(file.bytes.into_owned()).unwrap();
    rendered.tree.into_iter().map(|(path, file)| (path.to_string(), text(file))).collect()
}

const DEFAULT: [(&str, &str); 2] = [("name", "my-server"), ("author", "Ada Lovelace")];

/// Every file in a line: mode, policy, and the digest of what is not shown whole.
fn listing(template: &Template, shown: &BTreeMap<String, String>) -> String {
    let (answers, rendered) = rendered(template, &DEFAULT);
    let manifest = Manifest::of(template, &answers, &rendered);
    let mut out = String::new();
    for (path, file) in &rendered.tree {
        let entry = &manifest.files[path];
        let digest = if shown.contains_key(path.as_str()) { "shown" } else { &entry.sha256[..16] };
        let policy = format!("{:?}", entry.policy).to_lowercase();
        out += &format!("{:o} {policy:7} {digest:16} {path}\n", file.mode.bits());
    }
    out
}

#[test]
fn the_default_answers_give_these_lines() {
    let mut all: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    let mut names = BTreeSet::from(["hostile".to_owned()]);
    let templates = templates();
    let count = templates.len();
    for template in templates {
        let language = template.language.clone();
        let listed = format!("{language}/tree");
        let shown = reviewed(library().named(&language).unwrap());
        pin(&format!("new/{listed}"), &listing(&template, &shown));
        names.insert(listed);
        for (path, text) in shown {
            all.entry((path, text)).or_default().push(language.clone());
        }
    }
    for ((path, text), languages) in all {
        let folders = if languages.len() == count { vec!["shared".to_owned()] } else { languages };
        for folder in folders {
            let name = format!("{folder}/{}", path.replace('/', "__"));
            pin(&format!("new/{name}"), &text);
            names.insert(name);
        }
    }
    no_stale_snapshots(&root().join("new"), &names);
}

/// What each expression makes of answers that are there to break the place where they land.
#[test]
fn hostile_answers_become_these_texts() {
    let mut places: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut template = None;
    for found in templates() {
        let parts = found.parts.iter().map(|(name, bytes)| (format!("parts/{name}"), bytes));
        let rendered = found.sources.iter().filter(|(_, source)| source.rendered);
        for (path, bytes) in rendered.map(|(path, source)| (path.to_string(), &source.bytes)).chain(parts) {
            for expression in expressions(str::from_utf8(bytes).unwrap()) {
                let word = expression.split([' ', '|']).next().unwrap();
                if ["author", "description", "license"].contains(&word) || expression.starts_with("name |") {
                    places.entry(expression.to_owned()).or_default().insert(path.clone());
                }
            }
        }
        template = Some(found);
    }
    let mut template = template.unwrap();
    let expressions: Vec<_> = places.keys().cloned().collect();
    let source = |expression: &String| Source {
        bytes: Cow::Owned(format!("<{{ {expression} }}>").into_bytes()),
        rendered: true,
        layer: String::new(),
    };
    template.sources = (expressions.iter().enumerate())
        .map(|(index, expression)| (RepoPath::new(format!("{index:03}")).unwrap(), source(expression)))
        .collect();
    let (_, rendered) = rendered(&template, &HOSTILE);
    let mut out = String::new();
    for (expression, file) in expressions.iter().zip(rendered.tree.values()) {
        let paths: Vec<_> = places[expression].iter().map(String::as_str).collect();
        let text = str::from_utf8(&file.bytes).unwrap();
        out += &format!("<{{ {expression} }}>  in {}\n{text}\n\n", paths.join(", "));
    }
    pin("new/hostile", &out);
}

/// A snapshot that no file belongs to any more is removed by `make snapshots`, and an error otherwise.
fn no_stale_snapshots(root: &Path, names: &BTreeSet<String>) {
    for entry in
        WalkDir::new(root).into_iter().map(Result::unwrap).filter(|entry| entry.file_type().is_file())
    {
        let path = entry.path().strip_prefix(root).unwrap().to_str().unwrap();
        let pinned = path.strip_suffix(".snap").is_none_or(|name| names.contains(name));
        if pinned {
            continue;
        }
        let accepting = std::env::var("INSTA_UPDATE").is_ok_and(|mode| mode == "always");
        assert!(accepting, "{} is stale", entry.path().display());
        fs::remove_file(entry.path()).unwrap();
    }
}
