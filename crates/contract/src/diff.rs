//! Two sets of contracts: which came, which went, and what became of the others.
//!
//! Invariant: fields that the wire lacks are compared only between contracts that have them.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

use super::change::{Change, Comparison};
use super::judge;
use super::model::{COMMITTED, Contract, Contracts, Kind};
use super::rules::{self, Direction, Rule};

/// Hints of a tool: the value when it is not said, and the safe one.
const HINTS: [(&str, bool, bool); 4] = [
    ("destructiveHint", true, false),
    ("idempotentHint", false, true),
    ("openWorldHint", true, false),
    ("readOnlyHint", false, true),
];

/// Room for the recursion of a comparison, of which only what is used is ever taken from the system. How deep it goes
/// is bounded: 200 levels of schemas, 150 goals of the solver one in another, one branch for each of a goal's choices,
/// of which all goals together have 10,000 steps. The schemas that are made to hurt need less than 4 MiB in a debug
/// build; this is eight times as much.
const STACK: usize = 32 << 20;

/// Compares two sets.
pub fn sets(old: &Contracts, new: &Contracts) -> Comparison {
    // A thread for its stack alone: the caller's is the platform's choice, 1 MiB on Windows.
    std::thread::scope(|scope| {
        let worker = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || compared(old, new));
        match worker {
            Ok(worker) => worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(_) => compared(old, new),
        }
    })
}

fn compared(old: &Contracts, new: &Contracts) -> Comparison {
    let mut changes = Vec::new();
    for before in old.iter() {
        match new.get(before.kind, &before.key()) {
            Some(after) => contracts(before, after, &mut changes),
            None => changes.push(removed(before, old, new)),
        }
    }
    for after in new.iter().filter(|after| old.get(after.kind, &after.key()).is_none()) {
        let rule = match after.kind {
            Kind::Prompt => &rules::PROMPT_ADDED,
            Kind::Resource => &rules::RESOURCE_ADDED,
            Kind::Tool => &rules::TOOL_ADDED,
        };
        changes.push(Change::new(rule, &after.path(), "").about(&after.key()));
    }
    Comparison::of(changes)
}

fn removed(before: &Contract, old: &Contracts, new: &Contracts) -> Change {
    let rule = match before.kind {
        Kind::Prompt => &rules::PROMPT_REMOVED,
        Kind::Resource => &rules::RESOURCE_REMOVED,
        Kind::Tool => &rules::TOOL_REMOVED,
    };
    let change = Change::new(rule, &before.path(), "").about(&before.key());
    let fields = ["inputSchema", "outputSchema", "arguments", "mimeType", "description"];
    let alike = |other: &&Contract| {
        other.kind == before.kind
            && old.get(other.kind, &other.key()).is_none()
            && fields.iter().all(|field| other.body.get(*field) == before.body.get(*field))
    };
    match new.iter().find(alike) {
        Some(other) => change.noting(format!("\"{}\" looks like the same under another name.", other.key())),
        None => change,
    }
}

/// Compares two contracts of one name.
fn contracts(old: &Contract, new: &Contract, changes: &mut Vec<Change>) {
    let name = new.path();
    let field = |key: &str| (old.body.get(key), new.body.get(key));
    let simple = [("description", &rules::DESCRIPTION_CHANGED), ("mimeType", &rules::MIME_TYPE_CHANGED)];
    for (key, rule) in simple {
        let (before, after) = field(key);
        if before != after {
            changes.push(Change::new(rule, &name, &format!("/{key}")).between(before, after));
        }
    }
    let (before, after) = field("title");
    changes.extend(title(before, after, &name, "/title"));
    if old.name != new.name {
        changes.push(
            Change::new(&rules::RESOURCE_RENAMED, &name, "/name")
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
    let known = [
        "annotations",
        "arguments",
        "description",
        "inputSchema",
        "mimeType",
        "name",
        "outputSchema",
        "title",
        "uri",
        "uriTemplate",
    ];
    let keys = old.body.keys().chain(new.body.keys().filter(|key| !old.body.contains_key(*key)));
    for key in keys {
        let other = !known.contains(&key.as_str()) && !COMMITTED.contains(&key.as_str());
        let (before, after) = field(key);
        if other && before != after && old.is_committed() == new.is_committed() {
            changes
                .push(Change::new(&rules::FIELD_CHANGED, &name, &format!("/{key}")).between(before, after));
        }
    }
}

/// A title that is new tells nobody otherwise; one that changed may.
fn title(before: Option<&Value>, after: Option<&Value>, contract: &str, pointer: &str) -> Option<Change> {
    let rule = if before.is_none() { &rules::TITLE_ADDED } else { &rules::TITLE_CHANGED };
    (before != after).then(|| Change::new(rule, contract, pointer).between(before, after))
}

fn schemas(old: &Contract, new: &Contract, changes: &mut Vec<Change>) {
    let name = new.path();
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
            changes.push(Change::new(&rules::OUTPUT_SCHEMA_REMOVED, &name, at).between(Some(&before), None));
        }
        (None, Some(after)) => {
            changes.push(Change::new(&rules::OUTPUT_SCHEMA_ADDED, &name, at).between(None, Some(&after)));
        }
        (None, None) => {}
    }
}

fn annotations(old: &Contract, new: &Contract, changes: &mut Vec<Change>) {
    let name = new.path();
    let said = |contract: &Contract, key: &str| {
        contract.body.get("annotations").and_then(|all| all.get(key)).cloned()
    };
    for (hint, unsaid, safe) in HINTS {
        let meant =
            |contract: &Contract| said(contract, hint).and_then(|value| value.as_bool()).unwrap_or(unsaid);
        let (before, after) = (meant(old), meant(new));
        if before != after {
            let rule = if after == safe { &rules::ANNOTATION_TIGHTENED } else { &rules::ANNOTATION_LOOSENED };
            let change = Change::new(rule, &name, &format!("/annotations/{hint}")).about(hint);
            changes.push(change.between(Some(&json!(before)), Some(&json!(after))));
        }
    }
    let (before, after) = (said(old, "title"), said(new, "title"));
    changes.extend(title(before.as_ref(), after.as_ref(), &name, "/annotations/title"));
}

fn arguments(old: &Contract, new: &Contract, changes: &mut Vec<Change>) {
    let name = new.path();
    let (before, after) =
        (named(old.body.get("arguments"), "name"), named(new.body.get("arguments"), "name"));
    let needed = |argument: &Value| argument.get("required").and_then(Value::as_bool).unwrap_or(false);
    for (key, old) in &before {
        let at = format!("/arguments/{key}");
        let Some(new) = after.get(key) else {
            changes
                .push(Change::new(&rules::ARGUMENT_REMOVED, &name, &at).about(key).between(Some(old), None));
            continue;
        };
        match (needed(old), needed(new)) {
            (false, true) => changes.push(
                Change::new(&rules::ARGUMENT_REQUIRED, &name, &at).about(key).between(Some(old), Some(new)),
            ),
            (true, false) => changes.push(
                Change::new(&rules::ARGUMENT_OPTIONAL, &name, &at).about(key).between(Some(old), Some(new)),
            ),
            _ => {}
        }
        let (before, after) = (old.get("description"), new.get("description"));
        if before != after {
            let change = Change::new(&rules::DESCRIPTION_CHANGED, &name, &format!("{at}/description"));
            changes.push(change.about(key).between(before, after));
        }
        changes.extend(title(old.get("title"), new.get("title"), &name, &format!("{at}/title")));
    }
    for (key, new) in after.iter().filter(|(key, _)| !before.contains_key(*key)) {
        let rule = if needed(new) { &rules::ARGUMENT_REQUIRED } else { &rules::ARGUMENT_ADDED };
        changes
            .push(Change::new(rule, &name, &format!("/arguments/{key}")).about(key).between(None, Some(new)));
    }
}

/// What only committed contracts say.
fn committed(old: &Contract, new: &Contract, changes: &mut Vec<Change>) {
    let name = new.path();
    let lists: [(&[&str], &'static Rule, &'static Rule); 3] = [
        (&["clientCapabilities"], &rules::CAPABILITY_ADDED, &rules::CAPABILITY_REMOVED),
        (&["errors"], &rules::ERROR_ADDED, &rules::ERROR_REMOVED),
        (&["scope", "scopes"], &rules::SCOPE_ADDED, &rules::SCOPE_REMOVED),
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
    for (key, rule) in [("sideEffects", &rules::SIDE_EFFECTS_CHANGED), ("deprecated", &rules::DEPRECATED)] {
        let (before, after) = (old.body.get(key), new.body.get(key));
        if before != after {
            changes.push(Change::new(rule, &name, &format!("/{key}")).between(before, after));
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
