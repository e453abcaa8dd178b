//! No edit of a schema goes unseen behind a name, whatever the name and whatever stands around it.

use mcp_contract::change::Comparison;
use mcp_contract::judge;
use mcp_contract::normal;
use mcp_contract::rules::{Direction, Verdict};
use serde_json::{Value, json};

fn verdict(old: &Value, new: &Value, direction: Direction) -> Verdict {
    let (old, new) = (normal::schema(old), normal::schema(new));
    Comparison::of(judge::schemas(&old, &new, direction, "tools/t", "/schema")).verdict
}

/// Ways to name a schema: what is said of it, the reference, and the document's own keywords, where the target stands
/// at `"TARGET"`.
fn ways() -> Vec<(&'static str, Value, Value)> {
    let root = "https://example.com/schemas/root.json";
    vec![
        ("a pointer", json!({"$ref": "#/$defs/A"}), json!({"$defs": {"A": "TARGET"}})),
        (
            "a pointer with escapes",
            json!({"$ref": "#/$defs/a%20b~1c~0d"}),
            json!({"$defs": {"a b/c~d": "TARGET"}}),
        ),
        (
            "a pointer to where no schema has to be",
            json!({"$ref": "#/x-shared/A"}),
            json!({"x-shared": {"A": "TARGET"}}),
        ),
        (
            "a name inside where no schema has to be",
            json!({"$ref": "#/x-shared/B"}),
            json!({"x-shared": {"B": {"allOf": [{"$ref": "#/x-shared/A"}]}, "A": "TARGET"}}),
        ),
        (
            "two names",
            json!({"$ref": "#/$defs/B"}),
            json!({"$defs": {"A": "TARGET", "B": {"$ref": "#/$defs/A"}}}),
        ),
        ("an anchor", json!({"$ref": "#a"}), json!({"$defs": {"A": {"$anchor": "a", "allOf": ["TARGET"]}}})),
        (
            "a dynamic anchor",
            json!({"$ref": "#a"}),
            json!({"$defs": {"A": {"$dynamicAnchor": "a", "allOf": ["TARGET"]}}}),
        ),
        (
            "a dynamic reference",
            json!({"$dynamicRef": "#a"}),
            json!({"$defs": {"A": {"$dynamicAnchor": "a", "allOf": ["TARGET"]}}}),
        ),
        (
            "a dynamic reference to a pointer",
            json!({"$dynamicRef": "#/$defs/A"}),
            json!({"$defs": {"A": "TARGET"}}),
        ),
        (
            "a relative id",
            json!({"$ref": "a.json"}),
            json!({"$defs": {"A": {"$id": "a.json", "allOf": ["TARGET"]}}}),
        ),
        (
            "an id of one's own name",
            json!({"$ref": "urn:example:a"}),
            json!({"$defs": {"A": {"$id": "urn:example:a", "allOf": ["TARGET"]}}}),
        ),
        (
            "an id below the root's",
            json!({"$ref": "/schemas/a.json"}),
            json!({"$id": root, "$defs": {"A": {"$id": "a.json", "allOf": ["TARGET"]}}}),
        ),
        (
            "an absolute id",
            json!({"$ref": "https://example.com/schemas/a.json#"}),
            json!({"$id": root, "$defs": {"A": {"$id": "a.json", "allOf": ["TARGET"]}}}),
        ),
        (
            "an id in other letters",
            json!({"$ref": "HTTPS://example.com/schemas/./a.json"}),
            json!({"$id": root, "$defs": {"A": {"$id": "a.json", "allOf": ["TARGET"]}}}),
        ),
        (
            "the root's id",
            json!({"$ref": "root.json#/$defs/A"}),
            json!({"$id": root, "$defs": {"A": "TARGET"}}),
        ),
        (
            "the root's whole id",
            json!({"$ref": "https://example.com/schemas/root.json#/$defs/A"}),
            json!({"$id": root, "$defs": {"A": "TARGET"}}),
        ),
        (
            "an anchor of another id",
            json!({"$ref": "a.json#x"}),
            json!({"$defs": {"A": {"$id": "a.json", "$defs": {"X": {"$anchor": "x", "allOf": ["TARGET"]}}}}}),
        ),
        (
            "a pointer in another id",
            json!({"$ref": "a.json#/$defs/X"}),
            json!({"$defs": {"A": {"$id": "a.json", "$defs": {"X": "TARGET"}}}}),
        ),
        (
            "a pointer of its own base",
            json!({"$id": "b/", "$ref": "#/$defs/A", "$defs": {"A": "TARGET"}}),
            json!({"$defs": {"A": {"type": "null"}}}),
        ),
        (
            "a name below its own base",
            json!({"$id": "b/c.json", "$ref": "a.json"}),
            json!({"$defs": {"A": {"$id": "b/a.json", "allOf": ["TARGET"]}, "B": {"$id": "a.json"}}}),
        ),
    ]
}

/// The same in the words of older drafts.
fn older() -> Vec<(&'static str, Value, Value)> {
    let draft = |number: u8| format!("http://json-schema.org/draft-0{number}/schema#");
    let root = "https://example.com/schemas/root.json";
    vec![
        (
            "draft 7: a pointer",
            json!({"$ref": "#/definitions/A"}),
            json!({"$schema": draft(7), "definitions": {"A": "TARGET"}}),
        ),
        (
            "draft 7: an id that is a name",
            json!({"$ref": "#a"}),
            json!({"$schema": draft(7), "definitions": {"A": {"$id": "#a", "allOf": ["TARGET"]}}}),
        ),
        (
            "draft 7: an id",
            json!({"$ref": "a.json"}),
            json!({"$schema": draft(7), "$id": root, "definitions": {"A": {"$id": "a.json", "allOf": ["TARGET"]}}}),
        ),
        (
            "draft 7: dependencies",
            json!({"$ref": "#/dependencies/q"}),
            json!({"$schema": draft(7), "dependencies": {"q": "TARGET"}}),
        ),
        (
            "draft 4: an id",
            json!({"$ref": "a.json"}),
            json!({"$schema": draft(4), "definitions": {"A": {"id": "a.json", "allOf": ["TARGET"]}}}),
        ),
        (
            "an id that is a name, without a draft",
            json!({"$ref": "#a"}),
            json!({"definitions": {"A": {"$id": "#a", "allOf": ["TARGET"]}}}),
        ),
    ]
}

/// Names that lead nowhere by the letter, beside what a lenient reader might find.
fn lost() -> Vec<(&'static str, Value, Value)> {
    vec![
        ("a dangling pointer", json!({"$ref": "#/$defs/a"}), json!({"$defs": {"A": "TARGET"}})),
        ("a dangling anchor", json!({"$ref": "#A"}), json!({"$defs": {"A": "TARGET"}})),
        (
            "a name said twice",
            json!({"$ref": "#a"}),
            json!({"$defs": {"A": {"$anchor": "a", "allOf": ["TARGET"]}, "B": {"$anchor": "a"}}}),
        ),
        (
            "an id said twice",
            json!({"$ref": "a.json"}),
            json!({"$defs": {"A": {"$id": "a.json", "allOf": ["TARGET"]}, "B": {"$id": "a.json"}}}),
        ),
        (
            "an id in data",
            json!({"$ref": "a.json"}),
            json!({"x-shared": [{"$id": "a.json", "allOf": ["TARGET"]}]}),
        ),
        (
            "a dynamic anchor said twice",
            json!({"$dynamicRef": "#a"}),
            json!({"$defs": {"A": {"$dynamicAnchor": "a", "allOf": ["TARGET"]}, "B": {"$id": "b.json", "$dynamicAnchor": "a"}}}),
        ),
        ("what is no reference", json!({"$ref": "#/$defs/%GG"}), json!({"$defs": {"A": "TARGET"}})),
        ("what is no text", json!({"$ref": 1}), json!({"$defs": {"A": "TARGET"}})),
        (
            "a tuple that 2020-12 does not know",
            json!({"items": [{"$ref": "#/$defs/A"}]}),
            json!({"$defs": {"A": "TARGET"}}),
        ),
        (
            "the rest of such a tuple",
            json!({"items": [{}], "additionalItems": {"$ref": "#/$defs/A"}}),
            json!({"$defs": {"A": "TARGET"}}),
        ),
        (
            "dependencies that 2020-12 does not know",
            json!({"dependencies": {"q": {"$ref": "#/$defs/A"}}}),
            json!({"$defs": {"A": "TARGET"}}),
        ),
        (
            "its own part",
            json!({"$ref": "#/$defs/B"}),
            json!({"$defs": {"A": "TARGET", "B": {"allOf": [{"$ref": "#/$defs/B"}]}}}),
        ),
        (
            "too many cases",
            json!({"unevaluatedProperties": false, "anyOf": (0..8).map(|n| json!({"required": [format!("k{n}")], "properties": {"p": {"$ref": "#/$defs/A"}}})).collect::<Vec<_>>()}),
            json!({"$defs": {"A": "TARGET"}}),
        ),
    ]
}

/// Things that name nothing, wherever they stand.
fn noise() -> Vec<(&'static str, Value)> {
    let data = json!({"$id": "https://example.com/else.json", "$anchor": "a", "$ref": "#/nowhere"});
    vec![
        ("nothing", json!({})),
        ("an id of another property", json!({"properties": {"z": {"$id": "z.json", "type": "null"}}})),
        (
            "a relative id of another property",
            json!({"properties": {"z": {"$id": "deep/z.json", "items": {"$id": "y.json"}}}}),
        ),
        ("an id in a default", json!({"properties": {"z": {"default": data}}})),
        ("an id in an example", json!({"properties": {"z": {"examples": [data]}}})),
        ("an id in a constant", json!({"properties": {"z": {"const": data}}})),
        ("an id in an enumeration", json!({"properties": {"z": {"enum": [data]}}})),
        ("an id in a note", json!({"x-note": data})),
        (
            "properties called like keywords",
            json!({"properties": {"$id": {"type": "string"}, "$anchor": {"type": "string"}, "$ref": {"type": "null"}}}),
        ),
    ]
}

/// Where the reference stands.
fn places() -> Vec<(&'static str, Value)> {
    vec![
        ("a property", json!({"properties": {"p": "NAME"}})),
        ("items", json!({"properties": {"p": {"items": "NAME"}}})),
        ("other keys", json!({"properties": {"p": {"additionalProperties": "NAME"}}})),
        ("a part of all", json!({"properties": {"p": {"allOf": ["NAME", {}]}}})),
        ("an alternative", json!({"properties": {"p": {"anyOf": ["NAME", {"type": "null"}]}}})),
        ("a key's pattern", json!({"patternProperties": {"^p$": "NAME"}})),
    ]
}

fn filled(template: &Value, word: &str, with: &Value) -> Value {
    match template {
        Value::String(text) if text == word => with.clone(),
        Value::Array(items) => items.iter().map(|item| filled(item, word, with)).collect(),
        Value::Object(map) => {
            map.iter().map(|(key, value)| (key.clone(), filled(value, word, with))).collect()
        }
        _ => template.clone(),
    }
}

fn merged(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merged(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

fn document(place: &Value, noise: &Value, name: &Value, around: &Value, target: &Value) -> Value {
    let mut document = json!({"type": "object"});
    for part in [&filled(place, "NAME", name), noise, around] {
        merged(&mut document, part);
    }
    filled(&document, "TARGET", target)
}

/// What the target is before and after: each narrows it.
fn edits() -> [(Value, Value); 3] {
    [
        (json!({"type": "string"}), json!({"type": "integer"})),
        (json!({"maxLength": 9}), json!({"maxLength": 8})),
        (
            json!({"properties": {"k": {"type": "string"}}}),
            json!({"properties": {"k": {"type": "string"}}, "required": ["k"]}),
        ),
    ]
}

#[test]
fn no_edit_of_a_target_goes_unseen() {
    let (mut tried, mut wrong) = (0, Vec::new());
    for (resolves, all) in [(true, ways()), (true, older()), (false, lost())] {
        for (way, name, around) in &all {
            for (place_name, place) in places() {
                for (noise_name, noise) in noise() {
                    // One edit is enough where the noise is the question.
                    let edits = edits();
                    let count = if noise_name == "nothing" { edits.len() } else { 1 };
                    for (number, (before, after)) in edits.iter().take(count).enumerate() {
                        let old = document(&place, &noise, name, around, before);
                        let new = document(&place, &noise, name, around, after);
                        tried += 1;
                        let (hurts, helps) =
                            (verdict(&old, &new, Direction::Input), verdict(&new, &old, Direction::Output));
                        let seen = if resolves {
                            [Verdict::Breaking].as_slice()
                        } else {
                            &[Verdict::Unknown, Verdict::Breaking]
                        };
                        if !seen.contains(&hurts) || !seen.contains(&helps) {
                            wrong.push(format!(
                                "{way}, {place_name}, {noise_name}, edit {number}: {hurts:?} {helps:?}"
                            ));
                        }
                    }
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {tried} unseen:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(60)].join("\n")
    );
}

#[test]
fn what_is_named_is_compared_and_not_only_doubted() {
    let (narrow, wide) = (json!({"type": "integer"}), json!({"type": ["integer", "string"]}));
    for (way, name, around) in ways().into_iter().chain(older()) {
        for (noise_name, noise) in noise() {
            let of = |target: &Value| document(&places()[0].1, &noise, &name, &around, target);
            // A warning where the target stands in what would else be a note.
            let seen = verdict(&of(&narrow), &of(&wide), Direction::Input);
            assert!([Verdict::Additive, Verdict::Warning].contains(&seen), "{way}, {noise_name}: {seen:?}");
        }
    }
}

#[test]
fn two_names_of_one_schema_are_one() {
    let plain = json!({"type": "object", "properties": {"p": {"type": "string"}}});
    for (way, name, around) in ways() {
        let named = document(&places()[0].1, &json!({}), &name, &around, &json!({"type": "string"}));
        let seen = verdict(&plain, &named, Direction::Input).max(verdict(&named, &plain, Direction::Input));
        assert!(seen <= Verdict::Warning, "{way}: {seen:?}");
    }
}

#[test]
fn a_name_from_outside_is_equal_to_itself_and_to_nothing_else() {
    let of = |id: &str, name: &str| json!({"$id": id, "type": "object", "properties": {"p": {"$ref": name}, "q": {"type": "string"}}});
    let base = of("https://example.com/a/root.json", "geo.json#/$defs/point");
    let mut more = base.clone();
    more["properties"]["r"] = json!({"type": "string"});
    assert_eq!(verdict(&base, &more, Direction::Input), Verdict::Additive);
    let same = of("https://example.com/a/other.json", "https://example.com/a/geo.json#/$defs/point");
    assert!(verdict(&base, &same, Direction::Input) <= Verdict::Additive);
    for other in [
        of("https://example.com/b/root.json", "geo.json#/$defs/point"),
        of("https://example.com/a/root.json", "geo.json#/$defs/line"),
    ] {
        assert_eq!(verdict(&base, &other, Direction::Input), Verdict::Unknown, "{other}");
    }
}

#[test]
fn a_key_that_only_a_reference_names_was_promised() {
    let of = |extra: Value| {
        let mut schema = json!({"type": "object", "$defs": {"A": {"$dynamicAnchor": "a", "properties": {"k": {"type": "string"}}}}});
        merged(&mut schema, &extra);
        schema
    };
    for old in [
        of(json!({"$dynamicRef": "#a"})),
        of(json!({"$ref": "elsewhere.json"})),
        of(json!({"not": {"properties": {"k": {"type": "null"}}, "required": ["k"]}})),
    ] {
        let mut new = old.clone();
        new["properties"] = json!({"k": {"type": "integer"}});
        assert!(verdict(&old, &new, Direction::Input) >= Verdict::Unknown, "{old}");
    }
}

#[test]
fn what_stands_beside_a_name_is_seen() {
    let of = |first: &str, second: &str| {
        let part = |default: &str| json!({"$ref": "#/$defs/A", "default": default});
        json!({"type": "object", "properties": {"p": part(first), "q": part(second)}, "$defs": {"A": {"type": "string", "default": "a"}}})
    };
    assert_eq!(verdict(&of("a", "b"), &of("b", "b"), Direction::Input), Verdict::Warning);
    assert_eq!(verdict(&of("a", "b"), &of("a", "a"), Direction::Input), Verdict::Warning);
    assert_eq!(verdict(&of("a", "b"), &of("a", "b"), Direction::Input), Verdict::None);
}
