//! The documents know what the code has: every contract, error, alert and metric.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use regex::Regex;

use super::{contracts, read, root};

#[path = "../../scripts/api_docs.rs"]
mod api_docs;

#[test]
fn the_api_is_what_the_contracts_say() {
    let made = api_docs::render(root("contracts")).unwrap();
    assert!(made == read("docs/api.md"), "docs/api.md differs from the contracts: make docs");
}

fn matches(text: &str, pattern: &str) -> BTreeSet<String> {
    Regex::new(pattern).unwrap().captures_iter(text).map(|found| found[1].to_owned()).collect()
}

#[test]
fn every_error_has_an_entry() {
    let entries = matches(&read("docs/troubleshooting.md"), "(?m)^### `([a-z_]+)`$");
    for (path, contract) in contracts() {
        for error in contract["errors"].as_array().into_iter().flatten() {
            let code = error["code"].as_str().unwrap();
            assert!(entries.contains(code), "{path}: docs/troubleshooting.md has no entry for {code}");
        }
    }
}

#[test]
fn every_alert_has_an_entry() {
    let alerts = matches(&read("deploy/monitoring/prometheus-rule.yaml"), r"(?m)^ *- alert: (\w+)$");
    assert!(!alerts.is_empty(), "no alert is known");
    let (troubleshooting, runbook) = (read("docs/troubleshooting.md"), read("docs/runbook.md"));
    for alert in alerts {
        assert!(
            troubleshooting.contains(&format!("### {alert}\n")),
            "docs/troubleshooting.md has no entry for {alert}"
        );
        assert!(runbook.contains(&alert), "docs/runbook.md does not know {alert}");
    }
}

#[test]
fn every_metric_that_is_watched_exists() {
    let code = texts_below(&root("src/chassis"));
    for file in ["prometheus-rule.yaml", "dashboard.json"] {
        for used in matches(&read(&format!("deploy/monitoring/{file}")), r"\b(mcp_[a-z_]+)") {
            let name =
                ["_bucket", "_count", "_sum"].iter().find_map(|end| used.strip_suffix(end)).unwrap_or(&used);
            assert!(
                code.contains(&format!("\"{name}\"")),
                "{file} uses the metric {used}, which does not exist"
            );
        }
    }
}

fn texts_below(folder: &Path) -> String {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| if path.is_dir() { texts_below(&path) } else { fs::read_to_string(path).unwrap() })
        .collect()
}
