//! Compares two sets of contracts, wherever they come from.

use std::path::PathBuf;

use mcp_contract::change::{Change, Comparison};
use mcp_contract::diff;
use mcp_contract::rules::Verdict;

use crate::error::Result;
use crate::finding::{Findings, Section};
use crate::ops::contract::findings;
use crate::ops::contract::source::{self, Patience};

/// What to compare.
#[derive(Debug)]
pub struct Request {
    /// Where git is run and paths begin.
    pub folder: PathBuf,
    /// The contracts before.
    pub old: String,
    /// The contracts after.
    pub new: String,
    /// Unknown changes that somebody looked at.
    pub acknowledged: Vec<String>,
    /// How servers are asked.
    pub patience: Patience,
}

/// Compares; the findings, and what they were made of.
///
/// # Errors
/// When one of the two cannot be read.
pub fn run(request: &Request) -> Result<(Findings, Comparison)> {
    let old = source::read(&request.old, &request.folder, &request.patience)?;
    let new = source::read(&request.new, &request.folder, &request.patience)?;
    let mut comparison = diff::sets(&old, &new);
    let mut found = Findings::default();
    for name in comparison.acknowledge(&request.acknowledged) {
        found.notes.push(unknown(name));
    }
    found.sections.push(Section {
        title: "Contract changes".to_owned(),
        nothing: "Nothing that clients rely on has changed.",
        findings: comparison.changes.iter().map(findings::of_change).collect(),
    });
    found.summary = summary(comparison.verdict, &comparison.changes);
    Ok((found, comparison))
}

/// That nothing is called what was acknowledged.
pub fn unknown(name: &str) -> String {
    format!("nothing to acknowledge is called {name}")
}

fn summary(verdict: Verdict, changes: &[Change]) -> String {
    if changes.is_empty() {
        return "No change: what clients rely on is as it was.".to_owned();
    }
    let count = |verdict: Verdict| changes.iter().filter(|change| change.verdict == verdict).count();
    let grades = [Verdict::Breaking, Verdict::Unknown, Verdict::Warning, Verdict::Additive];
    let grades = grades.into_iter().filter(|grade| count(*grade) > 0);
    let counts: Vec<String> = grades.map(|grade| format!("{} {}", count(grade), grade.word())).collect();
    format!("Verdict {}: {}", verdict.word(), counts.join(", "))
}
