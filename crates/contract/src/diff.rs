//! Two sets of contracts: which came, which went, and what became of the others.
//!
//! Invariant: fields that the wire lacks are compared only between contracts that have them.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::thread::{Builder, available_parallelism, scope};

use serde_json::{Map, Value, json};

use super::change::{Change, Comparison};
use super::judge::{self, Direction};
use super::model::{COMMITTED, Contract, Contracts, Kind};

/// Hints of a tool: the value when it is not said, and the safe one.
const HINTS: [(&str, bool, bool); 4] = [
    ("destructiveHint", true, false),
    ("idempotentHint", false, true),
    ("openWorldHint", true, false),
    ("readOnlyHint", false, true),
];

/// Fewer contracts than this are not worth a thread.
const SHARE: usize = 16;
/// More threads than this are not started.
const THREADS: usize = 8;
/// The solver goes as deep as schemas do.
const STACK: usize = 256 << 20;

/// Compares two sets.
#[must_use]
pub fn sets(old: &Contracts, new: &Contracts) -> Comparison {
    let list: Vec<&Contract> = old.iter().collect();
    let share = list.len().div_ceil(available_parallelism().map_or(1, usize::from).min(THREADS)).max(SHARE);
    let work = |part: &[&Contract]| {
        let mut changes = Vec::new();
        for before in part {
            match new.get(before.kind, &before.key()) {
                Some(after) => contracts(before, after, &mut changes),
                None => changes.push(removed(before, old, new)),
            }
        }
        changes
    };
    let mut changes = scope(|scope| {
        let mut parts = list.chunks(share);
        let first = parts.next().unwrap_or_default();
        let start = |part| (part, Builder::new().stack_size(STACK).spawn_scoped(scope, move || work(part)));
        let others: Vec<_> = parts.map(start).collect();
        let mut changes = work(first);
        for (part, other) in others {
            changes.extend(match other {
                Ok(other) => other.join().unwrap_or_else(|panic| resume_unwind(panic)),
                Err(_) => work(part),
            });
        }
        changes
    });
    for after in new.iter().filter(|after| old.get(after.kind, &after.key()).is_none()) {
        let id = format!("{}-added", after.kind.noun());
        changes.push(Change::new(&id, &after.place(), "").about(&after.key()));
    }
    Comparison::of(changes)
}

fn removed(before: &Contract, old: &Contracts, new: &Contracts) -> Change {
    let mut change =
        Change::new(&format!("{}-removed", before.kind.noun()), &before.place(), "").about(&before.key());
    let fields = ["inputSchema", "outputSchema", "arguments", "mimeType", "description"];
    let alike = |other: &&Contract| {
        other.kind == before.kind
            && old.get(other.kind, &other.key()).is_none()
            && fields.iter().all(|field| other.body.get(*field) == before.body.get(*field))
    };
    if let Some(other) = new.iter().find(alike) {
        change.message =
            format!("{} \"{}\" looks like the same under another name.", change.message, other.key());
    }
    change
}

/// Compares two contracts of one name.
fn contracts(old: &Contract, new: &Contract, changes: &mut Vec<Change>) {
    let name = new.place();
    let field = |key: &str| (old.body.get(key), new.body.get(key));
    let simple = [
        ("description", "description-changed"),
        ("title", "title-changed"),
        ("mimeType", "mime-type-changed"),
    ];
    for (key, id) in simple {
        let (before, after) = field(key);
        if before != after {
            changes.push(Change::new(id, &name, &format!("/{key}")).between(before, after));
        }
    }
    if old.name != new.name {
        changes.push(
            Change::new("resource-renamed", &name, "/name")
                .between(Some(&json!(old.name)), Some(&json!(new.name))),
        );
    }
    if new.kind == Kind::Prompt {
        arguments(old, new, changes);
    }
    if new.kind == Kind::Tool {
        schemas(old, new, changes);
        annotations(old, new, changes);
    }
    if old.is_committed() && new.is_committed() {
        committed(old, new, changes);
    }
    let known = ["name", "uri", "uriTemplate", "arguments", "inputSchema", "outputSchema", "annotations"];
    let keys = old.body.keys().chain(new.body.keys().filter(|key| !old.body.contains_key(*key)));
    for key in keys {
        let other = !known.contains(&key.as_str())
            && !COMMITTED.contains(&key.as_str())
            && simple.iter().all(|(simple, _)| simple != key);
        let (before, after) = field(key);
        if other && before != after && old.is_committed() == new.is_committed() {
            changes.push(Change::new("field-changed", &name, &format!("/{key}")).between(before, after));
        }
    }
}

fn schemas(old: &Contract, new: &Contract, changes: &mut Vec<Change>) {
    let name = new.place();
    let any = json!({"type": "object"});
    let of = |contract: &Contract, key: &str| contract.body.get(key).cloned();
    let (before, after) =
        (of(old, "inputSchema").unwrap_or_else(|| any.clone()), of(new, "inputSchema").unwrap_or(any));
    changes.extend(judge::schemas(&before, &after, Direction::Input, &name, "/inputSchema"));
    let at = "/outputSchema";
    match (of(old, "outputSchema"), of(new, "outputSchema")) {
        (Some(before), Some(after)) => {
            changes.extend(judge::schemas(&before, &after, Direction::Output, &name, at));
        }
        (Some(before), None) => {
            changes.push(Change::new("output-schema-removed", &name, at).between(Some(&before), None));
        }
        (None, Some(after)) => {
            changes.push(Change::new("output-schema-added", &name, at).between(None, Some(&after)));
        }
        (None, None) => {}
    }
}

fn annotations(old: &Contract, new: &Contract, changes: &mut Vec<Change>) {
    let name = new.place();
    let said = |contract: &Contract, key: &str| {
        contract.body.get("annotations").and_then(|all| all.get(key)).cloned()
    };
    for (hint, unsaid, safe) in HINTS {
        let meant =
            |contract: &Contract| said(contract, hint).and_then(|value| value.as_bool()).unwrap_or(unsaid);
        let (before, after) = (meant(old), meant(new));
        if before != after {
            let id = if after == safe { "annotation-tightened" } else { "annotation-loosened" };
            let change = Change::new(id, &name, &format!("/annotations/{hint}")).about(hint);
            changes.push(change.between(Some(&json!(before)), Some(&json!(after))));
        }
    }
    let (before, after) = (said(old, "title"), said(new, "title"));
    if before != after {
        changes.push(
            Change::new("title-changed", &name, "/annotations/title")
                .between(before.as_ref(), after.as_ref()),
        );
    }
}

fn arguments(old: &Contract, new: &Contract, changes: &mut Vec<Change>) {
    let name = new.place();
    let (before, after) =
        (named(old.body.get("arguments"), "name"), named(new.body.get("arguments"), "name"));
    let needed = |argument: &Value| argument.get("required").and_then(Value::as_bool).unwrap_or(false);
    for (key, old) in &before {
        let at = format!("/arguments/{key}");
        let Some(new) = after.get(key) else {
            changes.push(Change::new("argument-removed", &name, &at).about(key).between(Some(old), None));
            continue;
        };
        match (needed(old), needed(new)) {
            (false, true) => changes
                .push(Change::new("argument-required", &name, &at).about(key).between(Some(old), Some(new))),
            (true, false) => changes
                .push(Change::new("argument-optional", &name, &at).about(key).between(Some(old), Some(new))),
            _ => {}
        }
        for field in ["description", "title"] {
            if old.get(field) != new.get(field) {
                let id = format!("{field}-changed");
                changes.push(
                    Change::new(&id, &name, &format!("{at}/{field}"))
                        .about(key)
                        .between(old.get(field), new.get(field)),
                );
            }
        }
    }
    for (key, new) in after.iter().filter(|(key, _)| !before.contains_key(*key)) {
        let id = if needed(new) { "argument-required" } else { "argument-added" };
        changes
            .push(Change::new(id, &name, &format!("/arguments/{key}")).about(key).between(None, Some(new)));
    }
}

/// What only committed contracts say.
fn committed(old: &Contract, new: &Contract, changes: &mut Vec<Change>) {
    let name = new.place();
    let lists: [(&[&str], &str, &str); 3] = [
        (&["clientCapabilities"], "capability-added", "capability-removed"),
        (&["errors"], "error-added", "error-removed"),
        (&["scope", "scopes"], "scope-added", "scope-removed"),
    ];
    for (keys, added, removed) in lists {
        let all = |contract: &Contract| {
            keys.iter().flat_map(|key| named(contract.body.get(*key), "code")).collect::<BTreeMap<_, _>>()
        };
        let (before, after) = (all(old), all(new));
        let at = format!("/{}", keys[0]);
        for key in before.keys().filter(|key| !after.contains_key(*key)) {
            changes.push(Change::new(removed, &name, &at).about(key).between(before.get(key), None));
        }
        for key in after.keys().filter(|key| !before.contains_key(*key)) {
            changes.push(Change::new(added, &name, &at).about(key).between(None, after.get(key)));
        }
    }
    for (key, id) in [("sideEffects", "side-effects-changed"), ("deprecated", "deprecated")] {
        let (before, after) = (old.body.get(key), new.body.get(key));
        if before != after {
            changes.push(Change::new(id, &name, &format!("/{key}")).between(before, after));
        }
    }
}

/// The entries of a list or a map by name; a string is its own name.
fn named(value: Option<&Value>, key: &str) -> BTreeMap<String, Value> {
    let one = |entry: &Value| {
        let name = entry.as_str().or_else(|| entry.get(key).and_then(Value::as_str));
        name.map(|name| (name.to_owned(), entry.clone()))
    };
    match value {
        Some(Value::Array(entries)) => entries.iter().filter_map(one).collect(),
        Some(Value::Object(map)) => {
            map.iter().map(|(key, value): (&String, &Value)| (key.clone(), value.clone())).collect()
        }
        Some(value) => one(value).into_iter().collect(),
        None => Map::new().into_iter().collect(),
    }
}
