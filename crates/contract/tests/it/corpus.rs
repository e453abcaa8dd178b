//! The labelled changes: verdict and rule of each, every rule with an example, every witness a true one.

use std::collections::BTreeSet;
use std::path::Path;

use mcp_contract::change::Comparison;
use mcp_contract::diff;
use mcp_contract::judge::{self, Direction};
use mcp_contract::kinds::{KINDS, Verdict};
use mcp_contract::model::Contracts;
use mcp_contract::{normal, schema};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    about: String,
    direction: String,
    old: Value,
    new: Value,
    verdict: String,
    rule: Option<String>,
}

fn corpus() -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn compare(row: &Row) -> Comparison {
    let direction = match row.direction.as_str() {
        "input" => Direction::Input,
        "output" => Direction::Output,
        _ => {
            let of = |document| Contracts::from_document(document).unwrap();
            return diff::sets(&of(&row.old), &of(&row.new));
        }
    };
    let (old, new) = (normal::schema(&row.old), normal::schema(&row.new));
    Comparison::of(judge::schemas(&old, &new, direction, "tools/t", "/schema"))
}

#[test]
fn every_labelled_change_gets_its_verdict_and_rule() {
    let mut wrong = Vec::new();
    for row in corpus() {
        let comparison = compare(&row);
        let rules: Vec<&str> = comparison.changes.iter().map(|change| change.rule.id).collect();
        let named = row.rule.as_deref().is_none_or(|rule| rules.contains(&rule));
        if comparison.verdict.word() != row.verdict || !named {
            wrong.push(format!(
                "{} {}: wanted {} {:?}, got {} {rules:?}",
                row.direction,
                row.about,
                row.verdict,
                row.rule,
                comparison.verdict.word()
            ));
        }
    }
    assert!(wrong.is_empty(), "{} rows are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_corpus_is_large_and_shows_every_rule() {
    let corpus = corpus();
    assert!(corpus.len() >= 150);
    let shown: BTreeSet<&str> =
        corpus.iter().flat_map(|row| compare(row).changes).map(|change| change.rule.id).collect();
    let missing: Vec<&str> = KINDS.iter().map(|kind| kind.id).filter(|id| !shown.contains(id)).collect();
    assert!(missing.is_empty(), "no example of {missing:?}");
}

#[test]
fn witnesses_are_values_that_one_side_accepts_and_the_other_refuses() {
    let mut count = 0;
    for row in corpus().iter().filter(|row| row.direction != "contract") {
        let (before, after) = (normal::schema(&row.old), normal::schema(&row.new));
        let (accepts, refuses) = if row.direction == "input" { (&before, &after) } else { (&after, &before) };
        for witness in compare(row).changes.iter().filter_map(|change| change.witness.as_ref()) {
            count += 1;
            assert!(schema::validator(accepts).unwrap().is_valid(witness), "{}: {witness}", row.about);
            assert!(!schema::validator(refuses).unwrap().is_valid(witness), "{}: {witness}", row.about);
        }
    }
    assert!(count > 60, "only {count} witnesses");
}

#[test]
fn kinds_are_sorted_unique_and_documented() {
    assert!(KINDS.windows(2).all(|pair| pair[0].id < pair[1].id));
    for kind in KINDS {
        assert!(kind.verdict != Verdict::None, "{}", kind.id);
        assert!(kind.meaning.ends_with('.') && kind.remedy.ends_with('.'), "{}", kind.id);
    }
}
