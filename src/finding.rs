//! What a command found: one type for changes, versions and whatever is looked for.
//!
//! Invariant: how grave a finding is, is decided where it is made, once. The exit code, SARIF's level and the words all
//! follow from that.

use serde::Serialize;
use serde_json::Value;

use crate::exit::Exit;

/// How grave a finding is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Worth knowing.
    Note,
    /// Worth a look.
    Warning,
    /// It has to be mended: exit code 1.
    Error,
}

/// Something that was found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The id of its rule: findings of one rule are shown together.
    pub rule: &'static str,
    /// What people call findings of this kind: breaking, version, …
    pub word: &'static str,
    /// How grave it is.
    pub level: Level,
    /// What the rule means, in a sentence.
    pub meaning: String,
    /// What this finding is, in a sentence.
    pub message: String,
    /// What to do.
    pub help: String,
    /// Where.
    pub place: Place,
    /// What else is to be seen.
    pub details: Vec<Detail>,
    /// Why it need not be mended.
    pub waived: Option<&'static str>,
}

/// Where a finding is.
#[derive(Clone, Debug)]
pub struct Place {
    /// The file, from the repository's top.
    pub file: String,
    /// The line, where one is known.
    pub line: Option<usize>,
    /// What it is called.
    pub name: String,
    /// The JSON pointer into it.
    pub pointer: String,
    /// Which of several things there.
    pub subject: Option<String>,
}

/// What is to be seen beside a sentence.
#[derive(Clone, Debug)]
pub enum Detail {
    /// A value before and after.
    Sides(Option<Value>, Option<Value>),
    /// A value that shows something.
    Shows(&'static str, Value),
    /// A sentence.
    Says(String),
}

/// Findings with a title of their own.
#[derive(Clone, Debug)]
pub struct Section {
    /// What they have in common.
    pub title: String,
    /// What is said in place of findings when there are none.
    pub nothing: &'static str,
    /// The findings.
    pub findings: Vec<Finding>,
}

/// All that a command found.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// The findings.
    pub sections: Vec<Section>,
    /// What could not be looked at.
    pub notes: Vec<String>,
    /// What it comes to, in a sentence.
    pub summary: String,
}

impl Findings {
    /// Whether something has to be mended.
    pub fn exit(&self) -> Exit {
        let grave = self.all().any(|finding| finding.level == Level::Error);
        if grave { Exit::Findings } else { Exit::Done }
    }

    /// The findings of all sections.
    pub fn all(&self) -> impl Iterator<Item = &Finding> {
        self.sections.iter().flat_map(|section| &section.findings)
    }
}

impl Section {
    /// The findings by rule, the grave ones first.
    pub fn groups(&self) -> Vec<Vec<&Finding>> {
        let mut groups: Vec<Vec<&Finding>> = Vec::new();
        for finding in &self.findings {
            match groups
                .iter_mut()
                .find(|group| group[0].rule == finding.rule && group[0].level == finding.level)
            {
                Some(group) => group.push(finding),
                None => groups.push(vec![finding]),
            }
        }
        groups.sort_by_key(|group| std::cmp::Reverse(group[0].level));
        groups
    }
}

impl Place {
    /// The subject, where neither name nor pointer ends with it.
    pub fn extra(&self) -> Option<&str> {
        let subject = self.subject.as_deref()?;
        let end = if self.pointer.is_empty() { &self.name } else { &self.pointer };
        let said = end.rsplit('/').next().is_some_and(|end| end == subject);
        (!said).then_some(subject)
    }
}
