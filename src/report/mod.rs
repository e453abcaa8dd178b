//! How results look: findings in four formats, and plans.

pub mod adopt;
mod human;
mod markdown;
pub mod plan;
mod sarif;
pub mod update;

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::error::Result;
use crate::finding::{Finding, Findings};
use crate::ui::{self, Paint, Report, Ui};

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

impl Format {
    /// How errors are written beside it.
    pub const fn errors(self) -> ui::Format {
        match self {
            Self::Json | Self::Sarif => ui::Format::Json,
            Self::Human | Self::Markdown => ui::Format::Human,
        }
    }
}

/// Writes findings in a format; as JSON, `body` is written.
///
/// # Errors
/// When standard output cannot be written to.
pub fn show(findings: &Findings, format: Format, body: &impl Serialize, ui: &Ui) -> Result<()> {
    match format {
        Format::Human | Format::Json => ui.report(&Shown { findings, body }),
        Format::Markdown => ui.text(&markdown::write(findings)),
        Format::Sarif => ui.text(&format!("{:#}\n", sarif::log(findings))),
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
