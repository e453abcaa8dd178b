//! What may change between two releases: a short list of additive changes; everything else is breaking.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// They say what something is, and change nothing.
const TEXTS: [&str; 3] = ["description", "sideEffects", "title"];

struct Change {
    place: String,
    is_additive: bool,
}

impl Change {
    fn new(place: impl Into<String>, is_additive: bool) -> Self {
        Self { place: place.into(), is_additive }
    }
}

/// What is wrong with the version of a changed contract.
pub fn verdict(old: &Value, now: &Value) -> Option<String> {
    let changes = changes(old, now);
    let places = |which: &dyn Fn(&Change) -> bool| {
        let places: Vec<_> =
            changes.iter().filter(|change| which(change)).map(|change| change.place.as_str()).collect();
        places.join(", ")
    };
    let breaking = places(&|change| !change.is_additive);
    let (before, after) = (semver(old), semver(now));
    if !breaking.is_empty() && after[0] <= before[0] {
        return Some(format!(
            "{}: breaking without a higher major version: {breaking}. Clients rely on what stood there: put it back and \
             deprecate it first, or give the contract version {}.0.0.",
            now["name"],
            before[0] + 1
        ));
    }
    let all = places(&|_| true);
    (!all.is_empty() && after <= before).then(|| {
        format!(
            "{}: changed without a higher version: {all}. Give the contract a version above {}.",
            now["name"], old["version"]
        )
    })
}

fn changes(old: &Value, now: &Value) -> Vec<Change> {
    let mut found = Vec::new();
    for key in keys(old, now).into_iter().filter(|key| key != "version" && old[key] != now[key]) {
        let (before, after) = (&old[&key], &now[&key]);
        if TEXTS.contains(&key.as_str()) || key == "deprecated" {
            found.push(Change::new(key, true));
        } else if key.ends_with("Schema") && before.is_object() && after.is_object() {
            found.extend(schema_changes(before, after, &key));
        } else {
            found.push(Change::new(key, without_texts(before) == without_texts(after)));
        }
    }
    found
}

fn schema_changes(old: &Value, now: &Value, path: &str) -> Vec<Change> {
    let mut found = Vec::new();
    for key in keys(old, now).into_iter().filter(|key| key != "properties" && old[key] != now[key]) {
        let (before, after) = (&old[&key], &now[&key]);
        let place = format!("{path}.{key}");
        if key == "items" && before.is_object() && after.is_object() {
            found.extend(schema_changes(before, after, &place));
        } else if key == "required" {
            let grown = list(before).iter().all(|name| list(after).contains(name));
            found.push(Change::new(place, grown && path.starts_with("outputSchema")));
        } else {
            found.push(Change::new(place, TEXTS.contains(&key.as_str())));
        }
    }
    let (known, properties) = (&old["properties"], &now["properties"]);
    for name in keys(known, properties) {
        let place = format!("{path}.properties.{name}");
        match (known.get(&name), properties.get(&name)) {
            (Some(before), Some(after)) => found.extend(schema_changes(before, after, &place)),
            (_, after) => found.push(Change::new(place, after.is_some())),
        }
    }
    found
}

fn keys(old: &Value, now: &Value) -> BTreeSet<String> {
    [old, now].into_iter().filter_map(Value::as_object).flat_map(Map::keys).cloned().collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A list's items without what only describes them.
fn without_texts(value: &Value) -> Value {
    let stripped = |item: &Value| match item.as_object() {
        Some(fields) => fields
            .iter()
            .filter(|(key, _)| !TEXTS.contains(&key.as_str()))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect(),
        None => item.clone(),
    };
    value.as_array().map_or_else(|| value.clone(), |items| items.iter().map(stripped).collect())
}

fn semver(contract: &Value) -> [u64; 3] {
    let mut numbers =
        contract["version"].as_str().unwrap_or_default().split('.').map(|part| part.parse().unwrap_or(0));
    std::array::from_fn(|_| numbers.next().unwrap_or(0))
}

#[test]
fn verdicts() {
    let old = json!({
        "name": "t", "title": "T", "version": "1.2.0", "scope": "a", "errors": [{ "code": "x", "description": "d" }],
        "inputSchema": {
            "type": "object", "required": ["a"],
            "properties": { "a": { "type": "string" }, "l": { "type": "array", "items": { "type": "integer" } } },
        },
        "outputSchema": { "type": "object", "required": ["b"], "properties": { "b": { "type": "string" } } },
    });
    let text = json!("string");
    let cases: &[(&str, Value, &str, &str)] = &[
        ("/title", json!("T"), "1.2.0", ""),
        ("/title", json!("U"), "1.2.1", ""),
        ("/title", json!("U"), "1.2.0", "changed without a higher version: title"),
        ("/errors/0/description", json!("e"), "1.2.1", ""),
        ("/errors/0/code", json!("y"), "1.3.0", "breaking"),
        (
            "/inputSchema/properties",
            json!({ "a": { "type": text }, "l": old["inputSchema"]["properties"]["l"], "n": { "type": text } }),
            "1.3.0",
            "",
        ),
        ("/inputSchema/properties", json!({ "a": { "type": text } }), "1.3.0", "inputSchema.properties.l"),
        ("/inputSchema/required", json!(["a", "l"]), "1.3.0", "inputSchema.required"),
        ("/inputSchema/properties/a/type", json!("integer"), "1.9.9", "inputSchema.properties.a.type"),
        ("/inputSchema/properties/a/type", json!("integer"), "2.0.0", ""),
        (
            "/inputSchema/properties/l/items/type",
            json!("number"),
            "1.3.0",
            "inputSchema.properties.l.items.type",
        ),
        ("/outputSchema/required", json!(["b", "c"]), "1.3.0", ""),
        ("/outputSchema/required", json!([]), "1.3.0", "outputSchema.required"),
        ("/scope", json!("b"), "1.3.0", "scope"),
    ];
    for (place, value, version, wanted) in cases {
        let mut now = old.clone();
        *now.pointer_mut(place).unwrap() = value.clone();
        now["version"] = json!(version);
        let got = verdict(&old, &now).unwrap_or_default();
        assert!(
            got.is_empty() == wanted.is_empty() && got.contains(wanted),
            "{place} {version}: {got:?}, not {wanted:?}"
        );
    }
}
