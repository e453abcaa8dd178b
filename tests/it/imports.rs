//! Imports go one way: a room of the house knows only those below it, and files of one room make no circle.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

/// The rooms, from the ground up.
#[rustfmt::skip]
const ROOMS: &[&str] = &[
    "error", "exit", "finding", "interrupt", "path", "text", "tree", "merge", "plan", "read", "git", "write", "template", "client", "repo",
    "ops", "ui", "report", "cli", "commands", "lib",
];

/// Crates that only some rooms may know.
const CRATES: &[(&str, &[&str])] = &[
    ("clap", &["cli", "commands", "lib", "ui"]),
    ("console", &["commands", "ui"]),
    ("ctrlc", &["interrupt"]),
    ("dialoguer", &["commands"]),
    ("include_dir", &["template"]),
    ("rmcp", &["client"]),
    ("tera", &["template"]),
    ("toml_edit", &["repo"]),
    ("zstd", &["repo"]),
];

/// Files of one algorithm that calls itself through all of them.
const KNOTS: &[&str] = &["schema/"];

type Graph = BTreeMap<String, BTreeSet<String>>;

/// The files below `folder` by the path of their module, with their text up to the unit tests.
fn modules(folder: &Path) -> BTreeMap<String, String> {
    let files = WalkDir::new(folder).into_iter().map(Result::unwrap);
    files
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "rs"))
        .map(|entry| {
            let path = entry.path().strip_prefix(folder).unwrap().with_extension("");
            let name = path.to_str().unwrap().trim_end_matches("/mod").to_owned();
            let text = fs::read_to_string(entry.path()).unwrap();
            (name, text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned())
        })
        .filter(|(name, _)| !["main", "build"].contains(&name.as_str()) && !name.ends_with("tests"))
        .collect()
}

/// Every path of the crate that `text` names, `use crate::{a, b::{c}}` taken apart.
fn named(name: &str, text: &str) -> BTreeSet<String> {
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let parent = name.rsplit_once('/').map_or("", |(parent, _)| parent);
    let mut found = BTreeSet::new();
    for (word, start) in [("crate::", ""), ("super::", parent), ("self::", name)] {
        for (place, _) in code.match_indices(word) {
            let before = code[..place].chars().next_back();
            if before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != '$' && c != ':') {
                expand(start, &code[place + word.len()..], &mut found);
            }
        }
    }
    found
}

fn expand(start: &str, text: &str, found: &mut BTreeSet<String>) {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').unwrap_or(text.len());
    let parts = text[..end].split("::").map(str::trim).filter(|part| !part.is_empty());
    let path = parts.fold(start.to_owned(), |path, part| match path.as_str() {
        "" => part.to_owned(),
        _ => format!("{path}/{part}"),
    });
    let Some(list) = text[end..].strip_prefix('{') else {
        found.insert(path);
        return;
    };
    let (mut depth, mut item) = (0, 0);
    for (place, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            ',' | '}' if depth == 0 => {
                expand(&path, list[item..place].trim(), found);
                item = place + 1;
                if c == '}' {
                    return;
                }
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
}

/// Which file names something of which other.
fn graph(modules: &BTreeMap<String, String>) -> Graph {
    let owner = |path: &str| {
        let ancestors = Path::new(path).ancestors().map(|path| path.to_str().unwrap().to_owned());
        ancestors.into_iter().find(|path| modules.contains_key(path))
    };
    let edges = |(name, text): (&String, &String)| {
        let targets =
            named(name, text).iter().filter_map(|path| owner(path)).filter(|to| to != name).collect();
        (name.clone(), targets)
    };
    modules.iter().map(edges).collect()
}

fn source(relative: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(relative)
}

fn room(module: &str) -> &str {
    module.split('/').next().unwrap()
}

#[test]
fn a_room_knows_only_those_below_it() {
    let modules = modules(&source("src"));
    let floor = |room: &str| {
        let found = ROOMS.iter().position(|known| *known == room);
        found.unwrap_or_else(|| panic!("src/{room} stands in no row of ROOMS"))
    };
    for (from, targets) in graph(&modules) {
        for to in targets {
            assert!(
                floor(room(&to)) <= floor(room(&from)),
                "src/{from} knows {to}, which lies above it: see ROOMS in tests/it/imports.rs"
            );
        }
    }
    let known: BTreeSet<_> = modules.keys().map(|module| room(module)).collect();
    let gone: Vec<_> = ROOMS.iter().filter(|room| !known.contains(*room)).collect();
    assert!(gone.is_empty(), "there is no {gone:?} any more");
}

#[test]
fn only_some_rooms_know_the_world() {
    for (name, text) in modules(&source("src")) {
        for (krate, rooms) in CRATES.iter().filter(|(krate, _)| text.contains(&format!("{krate}::"))) {
            assert!(rooms.contains(&room(&name)), "src/{name} uses {krate}, which is for {rooms:?}");
        }
    }
}

/// A file may name what the room's own `mod.rs` holds, which declares it.
#[test]
fn files_of_a_room_make_no_circle() {
    for folder in ["src", "crates/contract/src"] {
        let mut graph = graph(&modules(&source(folder)));
        graph.retain(|from, _| !KNOTS.iter().any(|knot| from.starts_with(knot)));
        for (from, targets) in &mut graph {
            targets.retain(|to| !from.starts_with(&format!("{to}/")) && to != "lib");
        }
        let circle = graph.keys().find_map(|from| way_back(&graph, from));
        assert!(circle.is_none(), "a circle in {folder}: {}", circle.unwrap_or_default().join(" → "));
    }
}

/// A way from a module over others back to it.
fn way_back(graph: &Graph, from: &str) -> Option<Vec<String>> {
    let mut seen = BTreeSet::new();
    let mut ways = vec![vec![from.to_owned()]];
    while let Some(way) = ways.pop() {
        for to in graph.get(way.last()?).into_iter().flatten() {
            let longer = [way.as_slice(), std::slice::from_ref(to)].concat();
            if to == from {
                return Some(longer);
            }
            if seen.insert(to) {
                ways.push(longer);
            }
        }
    }
    None
}

#[test]
fn paths_are_taken_apart() {
    let text = "use crate::{a, b::{c, d::E}};\nuse super::x::Y;\n// use crate::no;\nlet z = crate::w::go();";
    let found: Vec<_> = named("room/file", text).into_iter().collect();
    assert_eq!(found, ["a", "b/c", "b/d/E", "room/x/Y", "w/go"]);
}
