//! What every contract keeps to, so that every client takes it.

use serde_json::Value;

use super::contracts;

/// How many bytes a list of tools may take of a model's context.
const BUDGET: usize = 12_000;

/// What some clients refuse in a schema.
const REFUSED: [&str; 7] = ["$ref", "$defs", "oneOf", "anyOf", "allOf", "not", "nullable"];

#[test]
fn every_contract_is_whole() {
    let mut size = 0;
    for (path, mut contract) in contracts() {
        for key in ["name", "title", "description", "version"] {
            assert!(contract[key].as_str().is_some_and(|text| !text.is_empty()), "{path} has no {key}");
        }
        if !path.starts_with("tools/") {
            continue;
        }
        let (annotations, errors) = (&contract["annotations"], &contract["errors"]);
        assert_eq!(annotations.as_object().map(serde_json::Map::len), Some(4), "{path} lacks annotations");
        assert!(errors.as_array().is_some_and(|errors| !errors.is_empty()), "{path} lacks errors");
        let problems = [("inputSchema", true), ("outputSchema", false)]
            .map(|(key, closed)| problems(&contract[key], &format!("{path}: {key}"), closed));
        assert!(problems.iter().all(Vec::is_empty), "{problems:#?}");
        for key in ["errors", "scope", "sideEffects", "version"] {
            contract.as_object_mut().unwrap().remove(key);
        }
        size += contract.to_string().len();
    }
    assert!(size <= BUDGET, "the list of tools takes {size} bytes, more than {BUDGET}");
}

fn problems(schema: &Value, path: &str, closed: bool) -> Vec<String> {
    let mut found = Vec::new();
    if !schema["type"].is_string() {
        found.push(format!("{path} has no single type; an Option that is none is to be left out, not null"));
    }
    found.extend(
        REFUSED.iter().filter(|key| schema.get(**key).is_some()).map(|key| format!("{path} has {key}")),
    );
    if let Some(properties) = schema["properties"].as_object() {
        let is_closed = schema["additionalProperties"] == false;
        if schema["type"] != "object" || is_closed != closed {
            found.push(format!("{path}: arguments are closed, results open"));
        }
        for (name, property) in properties {
            found.extend(problems(property, &format!("{path}.{name}"), closed));
        }
    }
    found
}

#[test]
fn what_clients_refuse_is_seen() {
    let open = serde_json::json!({ "type": "object", "properties": { "a": { "anyOf": [] } } });
    assert_eq!(problems(&open, "x", true).len(), 3, "open, without a type, and a choice");
    assert_eq!(problems(&open, "x", false).len(), 2);
}
