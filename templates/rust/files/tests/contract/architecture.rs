//! Two rooms, and one way through them: who may name whom.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use regex::Regex;

use super::{contracts, read, root};

/// From the entry down to the chassis; what stands on one line may not name each other.
const ORDER: [&[&str]; 6] =
    [&["main"], &["server"], &["tools", "resources", "prompts"], &["services"], &["settings"], &["chassis"]];

/// The text of each source file without its tests and comments, by its path.
fn sources() -> BTreeMap<String, String> {
    fn walk(folder: &Path, found: &mut BTreeMap<String, String>) {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root("")).unwrap().to_str().unwrap().replace('\\', "/");
                let text = fs::read_to_string(&path).unwrap();
                let lines = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]"));
                let code: Vec<_> = lines.map(|line| line.split("//").next().unwrap()).collect();
                found.insert(name, code.join("\n"));
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(&root("src"), &mut found);
    found
}

/// The modules of a file, from the crate's root: `src/a/b.rs` is `a`, `b`.
fn modules(file: &str) -> Vec<&str> {
    let path = file.strip_prefix("src/").unwrap_or(file);
    let path = path.strip_suffix(".rs").unwrap_or(path);
    let modules: Vec<_> = path.strip_suffix("/mod").unwrap_or(path).split('/').collect();
    // The list of a room is the room itself.
    if let [room, "registry"] = modules[..] { vec![room] } else { modules }
}

/// The paths from the crate's root that a file names.
fn named(file: &str, text: &str) -> BTreeSet<Vec<String>> {
    let start = Regex::new(r"\b(crate::|(?:super::)+)").unwrap();
    let own = modules(file);
    let mut found = BTreeSet::new();
    for at in start.find_iter(text) {
        let above = at.as_str().matches("super::").count();
        let kept = if above == 0 { 0 } else { own.len().saturating_sub(above) };
        let prefix: Vec<_> = own[..kept].iter().map(|part| (*part).to_owned()).collect();
        read_tree(&prefix, &text[at.end()..], &mut found);
    }
    found
}

/// Reads a path, or a tree of them in braces, and returns what follows it.
fn read_tree<'a>(prefix: &[String], mut text: &'a str, found: &mut BTreeSet<Vec<String>>) -> &'a str {
    let mut path = prefix.to_vec();
    loop {
        if let Some(mut rest) = text.strip_prefix('{') {
            loop {
                rest = read_tree(&path, rest.trim_start(), found);
                rest = &rest[rest.find([',', '}']).unwrap_or(rest.len())..];
                match rest.strip_prefix(',') {
                    Some(next) => rest = next,
                    None => return rest.strip_prefix('}').unwrap_or(rest),
                }
            }
        }
        let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        path.extend((!name.is_empty()).then(|| name.to_owned()));
        let Some(next) = rest.strip_prefix("::") else {
            found.insert(path);
            return rest;
        };
        text = next;
    }
}

fn layer(module: &str) -> Option<usize> {
    ORDER.iter().position(|modules| modules.contains(&module))
}

/// The names that go up, or to another room of the same floor.
fn wrong(sources: &BTreeMap<String, String>) -> Vec<String> {
    let mut found = Vec::new();
    for (file, text) in sources {
        let own = modules(file)[0];
        for name in named(file, text) {
            let room = name.first().map_or("", String::as_str);
            let (Some(from), Some(to)) = (layer(own), layer(room)) else { continue };
            if to <= from && room != own {
                found.push(format!("{file} names crate::{room}"));
            }
        }
    }
    found.dedup();
    found
}

/// A path from a module of the chassis back to itself.
fn circle(sources: &BTreeMap<String, String>) -> Option<Vec<String>> {
    let mut edges = Edges::new();
    for (file, text) in sources {
        let &[room, part, ..] = modules(file).as_slice() else { continue };
        let targets =
            named(file, text).into_iter().filter(|name| name.len() > 1 && name[0] == room && name[1] != part);
        if room == "chassis" {
            edges.entry(part.to_owned()).or_default().extend(targets.map(|mut name| name.swap_remove(1)));
        }
    }
    let mut done = BTreeSet::new();
    edges.keys().find_map(|start| {
        let mut path = vec![start.clone()];
        back(&mut path, &edges, &mut done).then_some(path)
    })
}

type Edges = BTreeMap<String, BTreeSet<String>>;

/// Follows the edges from the end of a path until one leads back into it.
fn back(path: &mut Vec<String>, edges: &Edges, done: &mut BTreeSet<String>) -> bool {
    let last = path[path.len() - 1].clone();
    for next in edges.get(&last).into_iter().flatten().filter(|next| edges.contains_key(*next)) {
        let seen = path.contains(next);
        if seen || !done.contains(next) {
            path.push(next.clone());
            if seen || back(path, edges, done) {
                return true;
            }
            path.pop();
        }
    }
    done.insert(last);
    false
}

fn planted(files: &[(&str, &str)]) -> BTreeMap<String, String> {
    files.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())).collect()
}

#[test]
fn names_go_one_way() {
    let found = wrong(&sources());
    assert!(found.is_empty(), "{}", found.join("\n"));
    let planted = planted(&[
        (
            "src/chassis/limit/rate.rs",
            "use crate::settings::Settings; use super::bulkhead; use crate::chassis::fault;",
        ),
        ("src/services/records.rs", "use super::super::tools::registry;"),
        (
            "src/tools/registry.rs",
            "use crate::{services as below, resources::{self, registry}}; use super::process_text;",
        ),
        ("src/server.rs", "use crate::tools;"),
    ]);
    let found = wrong(&planted);
    assert_eq!(
        found,
        [
            "src/chassis/limit/rate.rs names crate::settings",
            "src/services/records.rs names crate::tools",
            "src/tools/registry.rs names crate::resources",
        ]
    );
}

#[test]
fn the_chassis_has_no_circle() {
    let found = circle(&sources());
    assert!(found.is_none(), "{}", found.unwrap().join(" → "));
    let planted = planted(&[
        ("src/chassis/a.rs", "use crate::chassis::b;"),
        ("src/chassis/b/mod.rs", "use crate::chassis::c::Thing;"),
        ("src/chassis/c/deep.rs", "use super::other; use crate::chassis::{self, b::{Thing, *}};"),
    ]);
    assert_eq!(circle(&planted).unwrap(), ["a", "b", "c", "b"]);
}

#[test]
fn few_modules_name_the_sdk() {
    let allowed = |file: &str| {
        ["src/main.rs", "src/server.rs"].contains(&file) || file.starts_with("src/chassis/transport")
    };
    let sdk = Regex::new(r"\brmcp::").unwrap();
    let sources = sources();
    let naming: Vec<_> =
        sources.iter().filter(|(_, text)| sdk.is_match(text)).map(|(file, _)| file).collect();
    assert!(!naming.is_empty(), "nothing names the SDK: is it called otherwise now?");
    let wrong: Vec<_> = naming.into_iter().filter(|file| !allowed(file)).collect();
    assert!(wrong.is_empty(), "the SDK is for the transports: {wrong:?}");
}

/// No tool, resource or prompt, and none of the server's own settings.
#[test]
fn the_chassis_names_nothing_of_the_servers() {
    let mut names: Vec<String> =
        contracts().into_values().map(|contract| contract["name"].as_str().unwrap().to_owned()).collect();
    let setting = Regex::new(r#""(MCP_[A-Z_]+)""#).unwrap();
    names.extend(setting.captures_iter(&read("src/settings.rs")).map(|found| found[1].to_owned()));
    names.retain(|name| name != "operation");
    for (file, text) in sources().iter().filter(|(file, _)| file.starts_with("src/chassis/")) {
        for name in &names {
            assert!(!text.contains(&format!("\"{name}\"")), "{file} names {name}");
        }
    }
}
