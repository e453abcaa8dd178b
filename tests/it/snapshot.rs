//! Each generated line, pinned: a reviewer of a template sees in `snapshots/` what changes for users.
//!
//! A file that is copied shows its lines in the template's own diff, so only its digest stands here; one that
//! is rendered stands here whole. `make snapshots` accepts what is generated now.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use cargo_mcp::repo::manifest::{self, Manifest};
use cargo_mcp::template::answers::{Answers, Given};
use cargo_mcp::template::render::{Rendered, render};
use cargo_mcp::template::{Library, Template};
use cargo_mcp::tree::File;
use similar::{ChangeTag, TextDiff};

/// A file longer than this is a lock or data.
const MAX_LENGTH: usize = 40_000;

/// Answers that go through every filter with what it is there for.
pub const HOSTILE: [(&str, &str); 4] = [
    ("name", "a-name-of-sixty-four-characters-that-has-to-fit-everywhere-12345"),
    (
        "description",
        "Say \"hi\" & 'bye' \\ $(touch pwned) `id` ${HOME} {{ x }} <{ y }> <% z %> ${{ github.token }} \
         '''\"\"\" */ /* --> <b>#\u{202e} \u{2028} 👩\u{200d}🚀 %s {0} Zoë",
    ),
    ("author", "O'Neil \"$(id)\" \\ <script> #1 {{ a }} \u{2066}"),
    ("license", "Apache-2.0"),
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
    Library::embedded().unwrap()
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

/// The text of a file that was rendered, and that a person would review.
fn reviewed(file: &File) -> Option<&str> {
    let rendered = matches!(file.bytes, Cow::Owned(_));
    str::from_utf8(&file.bytes).ok().filter(|text| rendered && text.len() <= MAX_LENGTH)
}

/// Every file in a line: mode, policy, and the digest of what is not shown whole.
fn listing(template: &Template, answers: &Answers, rendered: &Rendered) -> String {
    let manifest = Manifest::of(template, answers, rendered);
    let mut out = String::new();
    for (path, file) in &rendered.tree {
        let entry = &manifest.files[path];
        let digest = match reviewed(file) {
            Some(_) => "shown".to_owned(),
            None => entry.sha256[..16].to_owned(),
        };
        out += &format!(
            "{:o} {:7} {digest:16} {path}\n",
            file.mode.bits(),
            format!("{:?}", entry.policy).to_lowercase()
        );
    }
    out
}

#[test]
fn the_default_answers_give_these_lines() {
    for template in templates() {
        let (answers, rendered) = rendered(&template, &[("name", "my-server"), ("author", "Ada Lovelace")]);
        let folder = format!("new/{}", template.language);
        let mut names = BTreeSet::from(["tree".to_owned(), "hostile".to_owned()]);
        pin(&format!("{folder}/tree"), &listing(&template, &answers, &rendered));
        for (path, file) in &rendered.tree {
            if let Some(text) = reviewed(file) {
                let name = path.as_str().replace('/', "__");
                pin(&format!("{folder}/{name}"), text);
                names.insert(name);
            }
        }
        no_stale_snapshots(&root().join(folder), &names);
    }
}

#[test]
fn hostile_answers_change_these_lines() {
    for template in templates() {
        let (_, before) = rendered(&template, &[("name", "my-server"), ("author", "Ada Lovelace")]);
        let (answers, after) = rendered(&template, &HOSTILE);
        let mut out = String::new();
        let old_name = |path: &str| {
            path.replace("a_name_of_sixty_four_characters_that_has_to_fit_everywhere_12345", "my_server")
        };
        for (path, file) in &after.tree {
            let Ok(text) = str::from_utf8(&file.bytes) else { continue };
            let old = before.tree.iter().find(|(old, _)| old.as_str() == old_name(path.as_str()));
            let old = old.map_or(&b""[..], |(_, file)| &file.bytes);
            if text.len() > MAX_LENGTH || old == &*file.bytes || path.as_str() == "LICENSE" {
                continue;
            }
            out += &format!("=== {path}\n");
            for change in TextDiff::from_lines(str::from_utf8(old).unwrap(), text).iter_all_changes() {
                match change.tag() {
                    ChangeTag::Equal => {}
                    ChangeTag::Delete => out += &format!("-{change}"),
                    ChangeTag::Insert => out += &format!("+{change}"),
                }
            }
        }
        out += &format!(
            "=== {}\n{}",
            manifest::PATH,
            Manifest::of(&template, &answers, &after).text().split("[files]").next().unwrap()
        );
        pin(&format!("new/{}/hostile", template.language), &out);
    }
}

/// A snapshot that no file belongs to any more is removed by `make snapshots`, and an error otherwise.
fn no_stale_snapshots(folder: &Path, names: &BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let pinned = name.strip_suffix(".snap").is_none_or(|name| names.contains(name));
        if pinned {
            continue;
        }
        assert!(
            std::env::var("INSTA_UPDATE").is_ok_and(|mode| mode == "always"),
            "{} is stale",
            path.display()
        );
        fs::remove_file(path).unwrap();
    }
}
