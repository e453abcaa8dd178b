//! The labelled changes: verdict and rule of each, every rule with an example, every witness a true one.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use mcp_contract::change::Comparison;
use mcp_contract::diff;
use mcp_contract::judge;
use mcp_contract::model::Contracts;
use mcp_contract::rules::{Direction, RULES, Verdict};
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
    /// What taking it back is, where that is worth a label.
    back: Option<Back>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Back {
    verdict: String,
    rule: Option<String>,
}

/// Every row, and after it the way back.
fn corpus() -> Vec<Row> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let rows = files.iter().flat_map(|file| {
        let text = fs::read_to_string(file).unwrap();
        serde_json::from_str::<Vec<Row>>(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    });
    rows.flat_map(|row| {
        let back = row.back.clone().map(|back| Row {
            about: format!("{} (taken back)", row.about),
            direction: row.direction.clone(),
            old: row.new.clone(),
            new: row.old.clone(),
            verdict: back.verdict,
            rule: back.rule,
            back: None,
        });
        std::iter::once(row).chain(back)
    })
    .collect()
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
    assert!(corpus.len() >= 350);
    let shown: BTreeSet<&str> =
        corpus.iter().flat_map(|row| compare(row).changes).map(|change| change.rule.id).collect();
    let missing: Vec<&str> = RULES.iter().map(|rule| rule.id).filter(|id| !shown.contains(id)).collect();
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
fn rules_are_sorted_unique_and_documented() {
    assert!(RULES.windows(2).all(|pair| pair[0].id < pair[1].id));
    for rule in RULES.iter() {
        assert!(rule.verdict != Verdict::None, "{}", rule.id);
        assert!(rule.meaning.ends_with('.') && rule.remedy.ends_with('.'), "{}", rule.id);
    }
}
