//! The rules of the house, held by tests: a language is data, few modules touch the world, nothing is unused.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_mcp::template::facts::Facts;
use walkdir::WalkDir;

use crate::harness::skip;
use crate::snapshot::{HOSTILE, library, rendered, templates};

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

/// A short name may be a word of everybody's: it counts in quotes, and with the title's capital.
#[test]
fn a_language_is_data() {
    for template in templates() {
        let (language, title) = (&template.language, &template.facts.title);
        let any_case = language.len() > 2;
        for (name, text) in sources() {
            let names = |word: &str| {
                word == title
                    || any_case && [language, title].iter().any(|own| own.eq_ignore_ascii_case(word))
            };
            let found = text.split(|c: char| !c.is_alphanumeric()).any(names);
            assert!(!found && !text.contains(&format!("\"{language}\"")), "src/{name} names {title}");
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
    let embedded: BTreeSet<_> = library().paths().map(ToString::to_string).collect();
    let junk: Vec<_> = embedded.difference(&tracked).collect();
    let missing: Vec<_> = tracked.difference(&embedded).collect();
    assert!(junk.is_empty(), "embedded although git ignores it: {junk:?}; try git clean -dX templates");
    assert!(missing.is_empty(), "git knows it but it is not embedded: {missing:?}");
}

#[test]
fn every_language_folder_says_what_it_is() {
    let folders: BTreeSet<_> =
        library().paths().map(|path| path.split('/').next().unwrap().to_owned()).collect();
    let templates = templates();
    let known = templates.iter().map(|template| template.language.clone());
    assert_eq!(folders, known.chain(["shared".to_owned()]).collect());
    for template in templates {
        let header = &template.spec.template;
        assert!(!header.version.is_empty() && !header.summary.is_empty() && header.order > 0, "{header:?}");
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

#[test]
fn every_answer_renders_every_language() {
    for template in templates() {
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

/// Everything that templates render, but for what is copied.
fn rendered_text() -> String {
    let mut text = String::new();
    for template in templates() {
        let rendered = template.sources.values().filter(|source| source.rendered);
        for bytes in rendered.map(|source| &source.bytes).chain(template.parts.values()) {
            text.push_str(str::from_utf8(bytes).unwrap());
        }
    }
    text
}

#[test]
fn a_file_is_rendered_if_and_only_if_it_holds_something_to_render() {
    for template in templates() {
        for (path, source) in template.sources.iter().filter(|(_, source)| source.rendered) {
            let text = str::from_utf8(&source.bytes).unwrap();
            let marked = ["<{", "<%", "<#"].iter().any(|mark| text.contains(mark));
            assert!(marked, "{}: {path}.tera holds nothing to render", template.language);
        }
    }
}

#[test]
fn every_part_is_used() {
    let text = rendered_text();
    for name in templates().iter().flat_map(|template| template.parts.keys()) {
        assert!(text.contains(&format!("\"parts/{name}\"")), "nothing uses templates/shared/parts/{name}");
    }
}

#[test]
fn every_rule_role_and_rename_is_about_a_file() {
    let templates = templates();
    for template in &templates {
        let language = &template.language;
        let paths: Vec<_> = template.sources.keys().map(cargo_mcp::path::RepoPath::as_str).collect();
        let rules = template.spec.rules.iter().chain(&template.shared.rules).map(|rule| &rule.path);
        let roles = template.spec.roles.values().flatten();
        let shared = template.shared.roles.iter().flat_map(|role| &role.paths);
        for glob in rules.chain(roles).chain(shared) {
            let some = paths.iter().any(|path| glob.matches(path));
            assert!(some, "{language}: no file matches {}", glob.as_str());
        }
        for from in template.spec.rename.keys().chain(template.shared.rename.keys()) {
            let starts = |path: &&str| {
                path.strip_prefix(from.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            assert!(paths.iter().any(starts), "{language}: nothing is renamed by {from}");
        }
    }
}

#[test]
fn every_fact_is_used_and_explained() {
    let contributing = fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
    let mut text: String = sources()
        .into_iter()
        .filter(|(name, _)| !name.starts_with("template/facts"))
        .map(|(_, text)| text)
        .collect();
    text += &rendered_text();
    for (key, meaning) in Facts::TABLE {
        assert!(text.contains(&format!("facts.{key}")), "nothing uses facts.{key}");
        let row = format!("| `{key}` | {meaning} |\n");
        assert!(contributing.contains(&row), "CONTRIBUTING.md lacks the row:\n{row}");
    }
    for template in templates() {
        for (table, keys) in [("paths", &template.facts.paths), ("tests", &template.facts.tests)] {
            for key in keys.keys() {
                let name = format!("facts.{table}.{key}");
                assert!(text.contains(&name), "{}: nothing uses {name}", template.language);
            }
        }
    }
}

#[test]
fn all_languages_say_where_the_same_things_are() {
    let templates = templates();
    let (first, others) = templates.split_first().unwrap();
    for other in others {
        let keys = |facts: &Facts| {
            let (paths, tests) = (facts.paths.keys().cloned(), facts.tests.keys().cloned());
            (paths.collect::<Vec<_>>(), tests.collect::<Vec<_>>())
        };
        assert_eq!(keys(&first.facts), keys(&other.facts), "{} and {}", first.language, other.language);
    }
    for template in &templates {
        let (_, rendered) = rendered(template, &[("name", "my-server")]);
        let places = rendered.facts.paths.values().chain(rendered.facts.tests.values());
        for place in places.chain(rendered.facts.version_files.iter().map(|file| &file.path)) {
            let is_there = |path: &str| path == place || path.starts_with(&format!("{place}/"));
            let found = rendered.tree.keys().any(|path| is_there(path.as_str()));
            assert!(found, "{}: nothing lies at {place}", template.language);
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
