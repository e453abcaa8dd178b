//! The rules of the house, held by tests: a language is data, few modules touch the world, nothing is unused.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_mcp::template::{EMBEDDED, Template};
use include_dir::{Dir, DirEntry};
use walkdir::WalkDir;

use crate::harness::skip;
use crate::snapshot::{HOSTILE, rendered};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The source files by their path below `src/`, with their text.
fn sources() -> Vec<(String, String)> {
    let files = WalkDir::new(root().join("src")).sort_by_file_name().into_iter().map(Result::unwrap);
    files
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let name = entry.path().strip_prefix(root().join("src")).unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(entry.path()).unwrap())
        })
        .collect()
}

#[test]
fn a_language_is_data() {
    for template in Template::all().unwrap() {
        for word in [template.language, &template.spec.template.title] {
            for (name, text) in sources() {
                let lower = text.to_lowercase();
                let mut words = lower.split(|c: char| !c.is_alphanumeric());
                assert!(!words.any(|found| found == word.to_lowercase()), "src/{name} names {word}");
            }
        }
    }
}

#[test]
fn what_is_embedded_is_what_git_knows() {
    let git = |arguments: &[&str]| -> Option<BTreeSet<String>> {
        let output = Command::new("git")
            .args(arguments)
            .args(["-z", "--", "templates"])
            .current_dir(root())
            .output()
            .ok()?;
        let text = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
        Some(
            text.split_terminator('\0')
                .map(|path| path.trim_start_matches("templates/").to_owned())
                .collect(),
        )
    };
    let Some(tracked) = git(&["ls-files", "--cached", "--others", "--exclude-standard"]) else {
        return skip("this is not a git checkout");
    };
    let deleted = git(&["ls-files", "--deleted"]).unwrap();
    let tracked: BTreeSet<_> = tracked.difference(&deleted).cloned().collect();
    let mut embedded = BTreeSet::new();
    collect(&EMBEDDED, &mut embedded);
    let junk: Vec<_> = embedded.difference(&tracked).collect();
    let missing: Vec<_> = tracked.difference(&embedded).collect();
    assert!(junk.is_empty(), "embedded although git ignores it: {junk:?}; try git clean -dX templates");
    assert!(missing.is_empty(), "git knows it but it is not embedded: {missing:?}");
}

fn collect(dir: &Dir<'_>, paths: &mut BTreeSet<String>) {
    for entry in dir.entries() {
        match entry {
            DirEntry::Dir(dir) => collect(dir, paths),
            DirEntry::File(file) => drop(paths.insert(file.path().to_str().unwrap().to_owned())),
        }
    }
}

#[test]
fn every_language_folder_says_what_it_is() {
    for dir in EMBEDDED.dirs() {
        assert!(
            dir.get_file(dir.path().join("template.toml")).is_some(),
            "{} has no template.toml",
            dir.path().display()
        );
    }
    for template in Template::all().unwrap() {
        let header = &template.spec.template;
        let said = [&header.title, &header.version, &header.summary];
        assert!(
            said.iter().all(|text| !text.is_empty()) && header.order > 0,
            "{}: {header:?}",
            template.language
        );
    }
}

/// What is left of a file that should have been rendered.
const MARKS: &[&str] = &[
    "<{ name",
    "<{ package",
    "<{ description",
    "<{ author",
    "<{ license",
    "<{ facts",
    "<% if",
    "<% for",
    "<%-",
];

/// Facts that commands read which are yet to come.
const PLANNED: &[&str] = &["contract_env", "version_files"];

#[test]
fn every_answer_renders_every_language() {
    for template in Template::all().unwrap() {
        for license in ["MIT", "Apache-2.0", "none"] {
            for name in ["a", "my-server", HOSTILE[0].1] {
                let (_, rendered) = rendered(&template, &[("name", name), ("license", license)]);
                for (path, file) in &rendered.tree {
                    let text = String::from_utf8_lossy(&file.bytes);
                    let left = MARKS.iter().find(|mark| text.contains(**mark));
                    assert!(
                        left.is_none(),
                        "{}: {path} still holds {left:?}: is it called .tera?",
                        template.language
                    );
                    assert!(!path.as_str().contains("PKG"), "{path} was not renamed");
                }
            }
        }
    }
}

#[test]
fn a_file_is_rendered_if_and_only_if_it_holds_something_to_render() {
    for template in Template::all().unwrap() {
        for (path, source) in template.sources().into_iter().filter(|(_, source)| source.rendered) {
            let text = str::from_utf8(source.bytes).unwrap();
            let marked = ["<{", "<%", "<#"].iter().any(|mark| text.contains(mark));
            assert!(marked, "{}: {path}.tera holds nothing to render", template.language);
        }
    }
}

#[test]
fn every_part_is_used() {
    let templates = Template::all().unwrap();
    let mut text = String::new();
    for template in &templates {
        let rendered = template.sources().into_values().filter(|source| source.rendered);
        for bytes in rendered.map(|source| source.bytes).chain(template.parts().into_values()) {
            text.push_str(str::from_utf8(bytes).unwrap());
        }
    }
    for name in templates.iter().flat_map(|template| template.parts().into_keys()) {
        assert!(text.contains(&format!("\"parts/{name}\"")), "nothing uses templates/shared/parts/{name}");
    }
}

#[test]
fn every_rule_rename_and_fact_is_used() {
    for template in Template::all().unwrap() {
        let language = template.language;
        let paths: Vec<_> = template.sources().into_keys().collect();
        for rule in &template.spec.rules {
            assert!(paths.iter().any(|path| rule.matches(path)), "{language}: no file matches {}", rule.path);
        }
        for from in template.spec.rename.keys() {
            let starts = |path: &&str| {
                path.strip_prefix(from.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            assert!(paths.iter().any(starts), "{language}: nothing is renamed by {from}");
        }
        let mut text: String = sources().into_iter().map(|(_, text)| text).collect();
        for source in template.sources().into_values().filter(|source| source.rendered) {
            text.push_str(str::from_utf8(source.bytes).unwrap());
        }
        for bytes in template.parts().into_values() {
            text.push_str(str::from_utf8(bytes).unwrap());
        }
        for key in template.spec.facts.keys() {
            let read = text.contains(&format!("facts.{key}")) || text.contains(&format!("{key:?}"));
            assert!(read || PLANNED.contains(&key.as_str()), "{language}: nothing uses facts.{key}");
        }
    }
}

#[test]
fn modules_say_what_they_hold_and_stay_small() {
    for (name, text) in sources() {
        assert!(text.starts_with("//! "), "src/{name} does not say what it is");
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap().lines().count();
        assert!(code <= 400, "src/{name} has {code} lines: split it");
    }
}

#[test]
fn each_dependency_is_used() {
    let cargo: toml::Table = toml::from_str(&fs::read_to_string(root().join("Cargo.toml")).unwrap()).unwrap();
    let text: String = sources().into_iter().map(|(_, text)| text).collect();
    for name in cargo["dependencies"].as_table().unwrap().keys() {
        assert!(text.contains(&format!("{}::", name.replace('-', "_"))), "nothing uses {name}");
    }
    let lock: PathBuf = root().join("Cargo.lock");
    assert!(lock.exists());
}
