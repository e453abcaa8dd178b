//! Random schemas, random mutations: what is called compatible must hold for every value that is tried.
//!
//! `CONTRACT_VALUES` says how many values to try in all; the default takes seconds, `make test-contracts` a million.

use mcp_contract::schema::{Containment, Pair, Side, validator};
use serde_json::{Map, Value, json};

/// `SplitMix64`: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

const KEYS: [&str; 4] = ["a", "b", "c", "xa"];
const PATTERNS: [&str; 8] = ["^a", "b$", "^[ab]+$", "^x", "^.?$", "\\d", "^(a|bc)*$", "^[a-c]{1,2}$"];
const TEXTS: [&str; 12] = ["", "a", "b", "ab", "abc", "x", "xa", "bc", "1", "a1", "aaaa", "é"];
const FORMATS: [&str; 3] = ["date", "email", "uuid"];
const TYPES: [&str; 7] = ["null", "boolean", "integer", "number", "string", "array", "object"];

fn number(random: &mut Random) -> Value {
    if random.chance(70) {
        json!(i64::try_from(random.below(9)).unwrap() - 3)
    } else {
        json!(f64::from(u32::try_from(random.below(17)).unwrap()) / 2.0 - 3.0)
    }
}

fn value(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth == 0 { 5 } else { 8 }) {
        0 => Value::Null,
        1 => json!(random.chance(50)),
        2 | 3 => number(random),
        4 => match random.below(12) {
            0 => json!("2024-01-31"),
            1 => json!("a@example.com"),
            _ => json!(*random.pick(&TEXTS)),
        },
        5 => (0..random.below(4)).map(|_| value(random, depth - 1)).collect(),
        _ => object(random, depth),
    }
}

fn object(random: &mut Random, depth: usize) -> Value {
    let mut map = Map::new();
    for key in KEYS.iter().chain(["b1", "zz", "bb"].iter()) {
        if random.chance(40) {
            map.insert((*key).to_owned(), value(random, depth - 1));
        }
    }
    map.into()
}

fn schema(random: &mut Random, depth: usize) -> Value {
    if random.chance(6) {
        return json!(random.chance(70));
    }
    let mut map = Map::new();
    if random.chance(75) {
        let kind = if random.chance(80) {
            json!(random.pick(&TYPES))
        } else {
            json!([TYPES[random.below(4)], TYPES[4 + random.below(3)]])
        };
        map.insert("type".to_owned(), kind);
    }
    for _ in 0..=random.below(3) {
        keyword(random, &mut map, depth);
    }
    map.into()
}

fn keyword(random: &mut Random, map: &mut Map<String, Value>, depth: usize) {
    let small = |random: &mut Random| json!(random.below(4));
    let kind = map.get("type").and_then(Value::as_str).map(str::to_owned);
    let (from, to) = match kind.as_deref() {
        Some("integer" | "number") => (0, 6),
        Some("string") => (6, 10),
        Some("array") if depth > 0 => (10, 19),
        Some("object") if depth > 0 => (19, 31),
        _ => (0, 41),
    };
    let end = if random.chance(25) { (28, 41) } else { (from, to) };
    let choice = end.0 + random.below(end.1 - end.0);
    let inner = |random: &mut Random| {
        if depth == 0 { json!({"type": TYPES[random.below(5)]}) } else { schema(random, depth - 1) }
    };
    let list = |random: &mut Random| (0..=random.below(3)).map(|_| inner(random)).collect::<Value>();
    let name = |random: &mut Random| (*random.pick(&KEYS)).to_owned();
    let (key, value) = match choice {
        0 => ("minimum", number(random)),
        1 => ("maximum", number(random)),
        2 => ("exclusiveMinimum", number(random)),
        3 => ("exclusiveMaximum", number(random)),
        4 => ("multipleOf", json!([1.0, 2.0, 3.0, 0.5, 1.5][random.below(5)])),
        5 | 32 => ("const", value(random, depth.min(1))),
        6 => ("minLength", small(random)),
        7 => ("maxLength", small(random)),
        8 => ("pattern", json!(random.pick(&PATTERNS))),
        9 => ("format", json!(random.pick(&FORMATS))),
        10 => ("items", inner(random)),
        11 => ("prefixItems", list(random)),
        12 => ("minItems", small(random)),
        13 => ("maxItems", small(random)),
        14 => ("uniqueItems", json!(random.chance(80))),
        15 => ("contains", inner(random)),
        16 => ("minContains", small(random)),
        17 => ("maxContains", small(random)),
        18 => ("unevaluatedItems", inner(random)),
        19 | 20 => {
            let names: Vec<String> = (0..=random.below(3)).map(|_| name(random)).collect();
            ("properties", Value::Object(names.into_iter().map(|name| (name, inner(random))).collect()))
        }
        21 => ("patternProperties", json!({ *random.pick(&PATTERNS): inner(random) })),
        22 => ("additionalProperties", if random.chance(50) { json!(false) } else { inner(random) }),
        23 => ("required", json!([name(random)])),
        24 => ("minProperties", small(random)),
        25 => ("maxProperties", small(random)),
        26 => (
            "propertyNames",
            if random.chance(50) {
                json!({"pattern": random.pick(&PATTERNS)})
            } else {
                json!({"enum": ["a", "b"]})
            },
        ),
        27 => ("unevaluatedProperties", if random.chance(60) { json!(false) } else { inner(random) }),
        28 => ("dependentRequired", json!({ name(random): [name(random)] })),
        29 => ("dependentSchemas", json!({ name(random): inner(random) })),
        30 | 31 => ("enum", (0..=random.below(4)).map(|_| value(random, depth.min(1))).collect()),
        33 => ("allOf", list(random)),
        34 | 35 => ("anyOf", list(random)),
        36 => ("oneOf", list(random)),
        37 => ("not", inner(random)),
        38 => {
            map.insert("then".to_owned(), inner(random));
            map.insert("else".to_owned(), inner(random));
            ("if", inner(random))
        }
        39 => ("$ref", json!("#/$defs/n")),
        _ => ("$ref", json!("#/$defs/m")),
    };
    map.insert(key.to_owned(), value);
}

/// One small change somewhere in a schema.
fn mutate(random: &mut Random, schema: &Value, depth: usize) -> Value {
    let Value::Object(map) = schema else { return self::schema(random, depth) };
    let mut map = map.clone();
    let keys: Vec<String> = map.keys().cloned().collect();
    if keys.is_empty() || random.chance(15) {
        keyword(random, &mut map, depth);
        return map.into();
    }
    let key = random.pick(&keys).clone();
    let value = map[&key].clone();
    let new = match &value {
        Value::Object(inner)
            if matches!(key.as_str(), "properties" | "patternProperties" | "dependentSchemas" | "$defs")
                && !inner.is_empty() =>
        {
            let mut inner = inner.clone();
            let names: Vec<String> = inner.keys().cloned().collect();
            let name = random.pick(&names).clone();
            if random.chance(20) {
                inner.remove(&name);
            } else {
                let changed = mutate(random, &inner[&name], depth.saturating_sub(1));
                inner.insert(name, changed);
            }
            Some(inner.into())
        }
        Value::Object(_) if key != "const" && key != "dependentRequired" => {
            Some(mutate(random, &value, depth.saturating_sub(1)))
        }
        Value::Array(list)
            if matches!(key.as_str(), "allOf" | "anyOf" | "oneOf" | "prefixItems" | "enum") =>
        {
            let mut list = list.clone();
            let place = random.below(list.len());
            match random.below(4) {
                0 if list.len() > 1 => drop(list.remove(place)),
                1 if key != "enum" => {
                    list[place] = mutate(random, &list[place].clone(), depth.saturating_sub(1));
                }
                2 => list.reverse(),
                _ => list.push(if key == "enum" {
                    number(random)
                } else {
                    self::schema(random, depth.saturating_sub(1))
                }),
            }
            Some(list.into())
        }
        Value::Number(number) if key != "const" && key != "multipleOf" => number.as_i64().map(|number| {
            json!(if random.chance(50) {
                number + 1
            } else {
                (number - 1).max(if key.starts_with('m') && key.len() > 7 { 0 } else { -5 })
            })
        }),
        _ => None,
    };
    match new {
        Some(new) if random.chance(85) => drop(map.insert(key, new)),
        _ => {
            map.remove(&key);
            if random.chance(50) {
                keyword(random, &mut map, depth);
            }
        }
    }
    map.into()
}

fn rooted(random: &mut Random, mut root: Value) -> Value {
    if let Value::Object(map) = &mut root
        && !map.contains_key("$defs")
    {
        let node = json!({"type": ["object", "integer"], "properties": {"a": {"$ref": "#/$defs/n"}}, "required": ["b"], "maximum": 2});
        map.insert("$defs".to_owned(), json!({"n": node, "m": schema(random, 1)}));
    }
    root
}

struct Tally {
    yes: usize,
    no: usize,
    unknown: usize,
    values: usize,
}

#[test]
fn no_value_contradicts_a_compatible_verdict() {
    let wanted: usize =
        std::env::var("CONTRACT_VALUES").ok().and_then(|count| count.parse().ok()).unwrap_or(20_000);
    let seed: u64 = std::env::var("CONTRACT_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(4);
    let mut random = Random(seed);
    let mut tally = Tally { yes: 0, no: 0, unknown: 0, values: 0 };
    while tally.values < wanted {
        let old = schema(&mut random, 2);
        let old = rooted(&mut random, old);
        let mut new = old.clone();
        for _ in 0..=random.below(3) {
            new = mutate(&mut random, &new, 2);
        }
        let new = rooted(&mut random, new);
        let (Ok(old_validator), Ok(new_validator)) = (validator(&old), validator(&new)) else { continue };
        for (side, sub, sup) in
            [(Side::Old, &old_validator, &new_validator), (Side::New, &new_validator, &old_validator)]
        {
            match Pair::new(&old, &new).contained(side, &[]).unwrap() {
                Containment::Unknown(_) => tally.unknown += 1,
                Containment::No(_) => tally.no += 1,
                Containment::Yes => {
                    tally.yes += 1;
                    for _ in 0..60 {
                        let value =
                            if random.chance(50) { value(&mut random, 3) } else { object(&mut random, 3) };
                        tally.values += 1;
                        assert!(
                            !sub.is_valid(&value) || sup.is_valid(&value),
                            "{side:?} {value}\nold {old}\nnew {new}"
                        );
                    }
                }
            }
        }
    }
    let all = tally.yes + tally.no + tally.unknown;
    assert!(tally.unknown * 4 < all, "{} of {all} are unknown", tally.unknown);
    if wanted > 100_000 {
        std::fs::write(
            std::env::temp_dir().join("contract-property.txt"),
            format!("{} values, {} yes, {} no, {} unknown", tally.values, tally.yes, tally.no, tally.unknown),
        )
        .unwrap();
    }
}
