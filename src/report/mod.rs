//! What a command found: one finding, four formats.
//!
//! Invariant: how grave a finding is, is decided where it is made, once. The exit code, SARIF's level and the words all
//! follow from that.

mod human;
mod markdown;
pub mod plan;
mod sarif;

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::error::Result;
use crate::exit::Exit;
use crate::ui::{Paint, Report, Ui};

/// How findings are shown.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Format {
    /// Text for people.
    #[default]
    Human,
    /// One JSON object for programs.
    Json,
    /// A comment for a pull request.
    Markdown,
    /// Results for code scanning.
    Sarif,
}

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

    /// Writes them in a format; as JSON, `body` is written.
    ///
    /// # Errors
    /// When standard output cannot be written to.
    pub fn show(&self, format: Format, body: &impl Serialize, ui: &Ui) -> Result<()> {
        match format {
            Format::Human | Format::Json => ui.report(&Shown { findings: self, body }),
            Format::Markdown => ui.text(&markdown::write(self)),
            Format::Sarif => ui.text(&format!("{:#}\n", sarif::log(self))),
        }
    }

    fn all(&self) -> impl Iterator<Item = &Finding> {
        self.sections.iter().flat_map(|section| &section.findings)
    }
}

impl Section {
    /// The findings by rule, the grave ones first.
    fn groups(&self) -> Vec<Vec<&Finding>> {
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
    fn extra(&self) -> Option<&str> {
        let subject = self.subject.as_deref()?;
        let end = if self.pointer.is_empty() { &self.name } else { &self.pointer };
        let said = end.rsplit('/').next().is_some_and(|end| end == subject);
        (!said).then_some(subject)
    }
}

/// What is said of a group: of one finding its subject too, of several what they share.
fn sentence<'a>(group: &[&'a Finding]) -> &'a str {
    match group {
        [one] if one.place.subject.is_some() => &one.message,
        _ => &group[0].meaning,
    }
}

struct Shown<'a, T> {
    findings: &'a Findings,
    body: &'a T,
}

impl<T: Serialize> Serialize for Shown<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        self.body.serialize(serializer)
    }
}

impl<T: Serialize> Report for Shown<'_, T> {
    fn human(&self, paint: Paint) -> String {
        human::write(self.findings, paint)
    }
}

/// A value on one line, cut when it is long.
fn short(value: &Value) -> String {
    const SHOWN: usize = 160;
    let text = value.to_string();
    if text.chars().count() <= SHOWN {
        return text;
    }
    text.chars().take(SHOWN - 1).chain(['…']).collect()
}

fn side(value: Option<&Value>, write: impl Fn(&str) -> String) -> String {
    value.map_or_else(|| "nothing".to_owned(), |value| write(&short(value)))
}
