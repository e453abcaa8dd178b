//! Schemas made to hurt: each ends.

use mcp_contract::diff;
use mcp_contract::model::Contracts;
use mcp_contract::rules::Verdict;
use serde_json::{Value, json};

/// Compares as the command does, with the stack that it has; the verdicts.
fn verdicts(old: Value, new: Value) -> Vec<Verdict> {
    let tool = |schema: Value| {
        let tool = json!({"name": "t", "inputSchema": schema, "outputSchema": schema});
        Contracts::from_document(&tool).unwrap()
    };
    let comparison = diff::sets(&tool(old), &tool(new));
    comparison.changes.iter().map(|change| change.verdict).collect()
}

fn nested(depth: usize, leaf: &Value) -> Value {
    (0..depth).fold(leaf.clone(), |inner, _| json!({"type": "object", "properties": {"a": inner}}))
}

#[test]
fn deep_schemas_are_compared_or_unknown() {
    let (old, new) = (nested(60, &json!({"type": "string"})), nested(60, &json!({"type": "integer"})));
    assert!(verdicts(old, new).contains(&Verdict::Breaking));
    let (old, new) = (nested(190, &json!({"type": "string"})), nested(190, &json!({"type": "integer"})));
    assert!(verdicts(old, new).iter().all(|verdict| *verdict >= Verdict::Unknown));
}

#[test]
fn a_schema_that_is_its_own_part_is_never_compatible() {
    let cyclic = |extra: Value| json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"$ref": "#/$defs/y"}, "y": {"allOf": [{"$ref": "#/$defs/x"}, extra]}}});
    let found = verdicts(cyclic(json!({"minimum": 1})), cyclic(json!({"minimum": 2})));
    assert!(found.iter().any(|verdict| *verdict >= Verdict::Unknown), "{found:?}");
}

#[test]
fn a_huge_enumeration_is_compared() {
    let list = |count: usize| json!({"enum": (0..count).map(|n| format!("value-{n}")).collect::<Vec<_>>()});
    assert!(verdicts(list(20_000), list(19_999)).contains(&Verdict::Breaking));
}

#[test]
fn catastrophic_patterns_are_compared() {
    let of = |pattern: &str| json!({"type": "string", "pattern": pattern});
    assert!(verdicts(of("^(a+)+$"), of("^(a|a)*b$")).contains(&Verdict::Breaking));
    verdicts(of("^(a?){500}a{500}$"), of("^(((a{1,100}){1,100}){1,100})$"));
    verdicts(of("^(.*a){12}$"), of("^(.*a.{12}b)*$"));
}

#[test]
fn exploding_combinations_end() {
    let clause = |n: usize| json!({"anyOf": [{"required": [format!("k{n}")]}, {"required": [format!("l{n}")]}, {"not": {"required": [format!("m{}", n * 7 % 31)]}}]});
    let all = |count: usize| json!({"type": "object", "allOf": (0..count).map(clause).collect::<Vec<_>>()});
    verdicts(all(60), all(61));
    let one = |count: usize| json!({"oneOf": (0..count).map(|n| json!({"type": "object", "properties": {"a": {"minimum": n}}})).collect::<Vec<_>>()});
    verdicts(one(40), one(41));
}

#[test]
fn many_choices_one_in_another_fit_on_the_stack() {
    let clause = |n: usize| json!({"anyOf": [{"properties": {"a": {"not": {"const": n}}}}, {"required": [format!("k{n}")]}]});
    let all = |count: usize| json!({"type": "object", "required": ["a"], "allOf": (0..count).map(clause).collect::<Vec<_>>()});
    assert!(verdicts(all(300), all(301)).contains(&Verdict::Breaking));
}

#[test]
fn huge_counts_end() {
    let of = |key: &str, count: u64| json!({"type": ["string", "array", "object"], key: count});
    for key in ["minLength", "minItems", "minProperties", "maxLength", "maxItems", "maxProperties"] {
        verdicts(of(key, 1_000_000_000_000), of(key, 1_000_000_000_001));
        verdicts(of(key, u64::MAX), of(key, 0));
    }
}
