//! Findings as a SARIF 2.1.0 log for code scanning; the file is the place.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::finding::{Detail, Finding, Findings};

pub(super) fn log(findings: &Findings) -> Value {
    let rules: BTreeMap<&str, Value> = findings
        .all()
        .map(|finding| {
            let rule = json!({
                "id": finding.rule,
                "shortDescription": {"text": finding.meaning},
                "help": {"text": finding.help}
            });
            (finding.rule, rule)
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "cargo-mcp",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules.into_values().collect::<Vec<_>>()
            }},
            "results": findings.all().map(result).collect::<Vec<_>>()
        }]
    })
}

fn result(finding: &Finding) -> Value {
    let mut properties = json!({});
    for detail in &finding.details {
        match detail {
            Detail::Sides(old, new) => {
                properties["old"] = json!(old);
                properties["new"] = json!(new);
            }
            Detail::Shows(_, value) => properties["witness"] = value.clone(),
            Detail::Says(text) => properties["hint"] = json!(text),
        }
    }
    let place = &finding.place;
    let mut result = json!({
        "ruleId": finding.rule,
        "level": finding.level,
        "message": {"text": format!("{} {}", finding.message, finding.help)},
        "locations": [{
            "physicalLocation": {"artifactLocation": {"uri": place.file}, "region": {"startLine": place.line.unwrap_or(1)}},
            "logicalLocations": [{"fullyQualifiedName": format!("{}#{}", place.name, place.pointer)}]
        }],
        "properties": properties
    });
    if let Some(why) = finding.waived {
        result["suppressions"] = json!([{"kind": "external", "justification": why}]);
    }
    result
}
