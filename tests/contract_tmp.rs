#![allow(clippy::all, clippy::pedantic, missing_docs)]
use cargo_mcp::contract::schema::*;
use serde_json::{json, Value};

fn sub(a: &Value, b: &Value) -> Containment {
    Pair::new(a, b).contained(Side::Old, &[]).unwrap()
}

#[test]
fn table() {
    let rows: Vec<(Value, Value, char)> = vec![
        (json!({"type":"integer"}), json!({"type":"number"}), 'y'),
        (json!({"type":"number"}), json!({"type":"integer"}), 'n'),
        (json!({"type":"string"}), json!({"type":["string","null"]}), 'y'),
        (json!({"type":"string","minLength":3}), json!({"type":"string","minLength":2}), 'y'),
        (json!({"type":"string","minLength":2}), json!({"type":"string","minLength":3}), 'n'),
        (json!({"enum":["a","b"]}), json!({"enum":["b","a","c"]}), 'y'),
        (json!({"enum":["a","b","c"]}), json!({"enum":["b","a"]}), 'n'),
        (json!({"type":"string","pattern":"^[a-z]{3}$"}), json!({"pattern":"^[a-z]+$"}), 'y'),
        (json!({"type":"string","pattern":"^[a-z]+$"}), json!({"pattern":"^[a-z]{3}$"}), 'n'),
        (json!({"type":"string","pattern":"^[a-z]{3}$"}), json!({"minLength":3,"maxLength":3}), 'y'),
        (json!({"type":"string","pattern":"^[A-Za-z0-9_-]{1,64}$"}), json!({"maxLength":64, "minLength":1}), 'y'),
        (json!({"type":"string","pattern":"^[A-Za-z0-9_-]{1,64}$"}), json!({"maxLength":63}), 'n'),
        (json!({"type":"integer","minimum":1}), json!({"type":"integer","exclusiveMinimum":0}), 'y'),
        (json!({"type":"number","minimum":1}), json!({"type":"number","exclusiveMinimum":0}), 'y'),
        (json!({"type":"number","exclusiveMinimum":0}), json!({"type":"number","minimum":1}), 'n'),
        (json!({"type":"number","multipleOf":6}), json!({"multipleOf":3}), 'y'),
        (json!({"type":"number","multipleOf":3}), json!({"multipleOf":6}), 'n'),
        (json!({"type":"number","multipleOf":0.3}), json!({"multipleOf":0.1}), 'y'),
        (json!({"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}), json!({"type":"object","properties":{"a":{"type":"string"}}}), 'y'),
        (json!({"type":"object","properties":{"a":{"type":"string"}}}), json!({"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}), 'n'),
        (json!({"type":"object"}), json!({"type":"object","properties":{"a":{"type":"string"}}}), 'n'),
        (json!({"type":"object","additionalProperties":false}), json!({"type":"object","properties":{"a":{"type":"string"}}}), 'y'),
        (json!({"type":"object","patternProperties":{"^x":{"type":"string"}},"additionalProperties":false}), json!({"additionalProperties":{"type":"string"}}), 'y'),
        (json!({"anyOf":[{"type":"string"},{"type":"integer"}]}), json!({"type":["string","number"]}), 'y'),
        (json!({"type":["string","integer"]}), json!({"anyOf":[{"type":"string"},{"type":"integer"}]}), 'y'),
        (json!({"type":["string","integer"]}), json!({"oneOf":[{"type":"string"},{"type":"integer"}]}), 'y'),
        (json!({"type":["string","integer","null"]}), json!({"oneOf":[{"type":"string"},{"type":"integer"}]}), 'n'),
        (json!({"not":{"type":"string"}}), json!({"type":["null","boolean","number","array","object"]}), 'y'),
        (json!({"type":"array","items":{"type":"integer"}}), json!({"type":"array","items":{"type":"number"}}), 'y'),
        (json!({"type":"array","items":{"type":"number"}}), json!({"type":"array","items":{"type":"integer"}}), 'n'),
        (json!({"type":"array","prefixItems":[{"type":"string"},{"type":"integer"}],"items":false}), json!({"type":"array","items":{"type":["string","integer"]},"maxItems":2}), 'y'),
        (json!({"type":"array","contains":{"const":1}}), json!({"type":"array","minItems":1}), 'y'),
        (json!({"type":"array","contains":{"const":1},"minContains":2}), json!({"type":"array","minItems":2}), 'y'),
        (json!({"type":"array","minItems":1}), json!({"type":"array","contains":{"const":1}}), 'n'),
        (json!({"type":"array","uniqueItems":true}), json!({"type":"array"}), 'y'),
        (json!({"type":"array"}), json!({"type":"array","uniqueItems":true}), 'n'),
        (json!({"type":"array","maxItems":1}), json!({"type":"array","uniqueItems":true}), 'y'),
        (json!({"$ref":"#/$defs/n","$defs":{"n":{"type":"object","properties":{"v":{"type":"integer"},"next":{"$ref":"#/$defs/n"}},"required":["v"]}}}),
         json!({"$ref":"#/$defs/n","$defs":{"n":{"type":"object","properties":{"v":{"type":"number"},"next":{"$ref":"#/$defs/n"}},"required":["v"]}}}), 'y'),
        (json!({"$ref":"#/$defs/n","$defs":{"n":{"type":"object","properties":{"v":{"type":"number"},"next":{"$ref":"#/$defs/n"}},"required":["v"]}}}),
         json!({"$ref":"#/$defs/n","$defs":{"n":{"type":"object","properties":{"v":{"type":"integer"},"next":{"$ref":"#/$defs/n"}},"required":["v"]}}}), 'n'),
        (json!({"if":{"type":"string"},"then":{"minLength":2},"else":{"type":"integer"}}), json!({"anyOf":[{"type":"string","minLength":1},{"type":"integer"}]}), 'y'),
        (json!({"type":"object","dependentRequired":{"a":["b"]},"required":["a"]}), json!({"required":["b"]}), 'y'),
        (json!({"type":"object","dependentRequired":{"a":["b"]}}), json!({"required":["b"]}), 'n'),
        (json!({"type":"object","propertyNames":{"enum":["a","b"]}}), json!({"maxProperties":2}), 'y'),
        (json!({"type":"object","propertyNames":{"enum":["a","b"]}}), json!({"maxProperties":1}), 'n'),
        (json!({"type":"object","propertyNames":{"pattern":"^[a-z]$"}}), json!({"maxProperties":26}), '?'),
        (json!({"allOf":[{"properties":{"a":{"type":"string"}}}],"unevaluatedProperties":false,"type":"object"}), json!({"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}), 'y'),
        (json!({"type":"object","anyOf":[{"properties":{"a":{"const":1}},"required":["a"]},{"properties":{"b":{"const":1}},"required":["b"]}],"unevaluatedProperties":false}), json!({"type":"object","properties":{"a":{"const":1},"b":{"const":1}},"additionalProperties":false}), 'y'),
        (json!({"type":"object","properties":{"a":{"const":1},"b":{"const":1}},"additionalProperties":false}), json!({"type":"object","anyOf":[{"properties":{"a":{"const":1}},"required":["a"]},{"properties":{"b":{"const":1}},"required":["b"]}],"unevaluatedProperties":false}), 'n'),
        (json!({"oneOf":[{"type":"object","properties":{"k":{"const":"a"},"x":{"type":"string"}},"required":["k"]},{"type":"object","properties":{"k":{"const":"b"},"y":{"type":"string"}},"required":["k"]}]}),
         json!({"oneOf":[{"type":"object","properties":{"k":{"const":"b"},"y":{"type":"string"}},"required":["k"]},{"type":"object","properties":{"k":{"const":"a"},"x":{"type":["string","null"]}},"required":["k"]},{"type":"object","properties":{"k":{"const":"c"}},"required":["k"]}]}), 'y'),
        (json!({"type":"string","format":"date"}), json!({"type":"string"}), 'y'),
        (json!({"type":"string"}), json!({"type":"string","format":"date"}), 'n'),
        (json!({"type":"string","format":"email"}), json!({"type":"string","format":"date"}), 'n'),
        (json!({"type":"string","pattern":"^(?=a)a"}), json!({"type":"string","pattern":"^(?=a)a"}), 'y'),
        (json!({"type":"string","pattern":"^(?=a)a"}), json!({"type":"string","pattern":"^a"}), '?'),
        (json!({"type":"boolean"}), json!({"enum":[true,false]}), 'y'),
        (json!({"type":"array","items":{"type":"boolean"},"uniqueItems":true}), json!({"maxItems":2}), '?'),
        (json!({"enum":[1,2.0,3]}), json!({"type":"integer","minimum":1,"maximum":3}), 'y'),
        (json!({"type":"integer","minimum":1,"maximum":3}), json!({"enum":[1.0,2,3]}), 'y'),
        (json!({"type":"object","minProperties":1,"properties":{"a":true},"additionalProperties":false}), json!({"required":["a"]}), 'y'),
        (json!({"type":"string","minLength":1}), json!({"not":{"const":""}}), 'y'),
        (json!({"not":{"const":""},"type":"string"}), json!({"minLength":1}), 'y'),
    ];
    let mut bad = 0;
    for (a, b, want) in rows {
        let got = sub(&a, &b);
        let c = match got { Containment::Yes => 'y', Containment::No(_) => 'n', Containment::Unknown(_) => '?' };
        if c != want { bad += 1; println!("WANT {want} GOT {got:?}\n  {a}\n  {b}"); }
    }
    assert_eq!(bad, 0);
}
