//! Proves a folder of templates, and says of each flaw in which file and line it is.

use std::path::Path;

use serde::Serialize;

use crate::error::Result;
use crate::finding::{Detail, Finding, Findings, Level, Place, Section};
use crate::template::library::{RENDERED, SHARED, SPEC};
use crate::template::origin;
use crate::template::proof::{self, At, Flaw};
use crate::template::{Library, Template};

/// What was found.
#[derive(Debug, Serialize)]
pub struct Checked {
    /// The languages that were proved.
    pub languages: Vec<String>,
    /// What is wrong.
    pub flaws: Vec<Found>,
}

/// A flaw, and where it is.
#[derive(Debug, Serialize)]
pub struct Found {
    /// What it offends.
    pub rule: &'static str,
    /// The file, from the folder's top.
    pub file: String,
    /// Its line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// What is wrong there.
    pub message: String,
    #[serde(skip)]
    law: &'static proof::Law,
}

/// Proves the templates in `folder`.
///
/// # Errors
/// When they cannot be read at all.
pub fn run(folder: &Path) -> Result<Checked> {
    let own = Library::folder(folder)?;
    let library = origin::of_folder(folder)?;
    let mut checked = Checked { languages: Vec::new(), flaws: Vec::new() };
    for template in library.all()? {
        let found = proof::flaws(&template).into_iter().filter_map(|flaw| located(&own, &template, &flaw));
        checked.flaws.extend(found);
        checked.languages.push(template.language);
    }
    checked.flaws.sort_by(|a, b| (&a.file, a.line, a.rule).cmp(&(&b.file, b.line, b.rule)));
    checked.flaws.dedup_by(|a, b| (&a.file, a.line, &a.message) == (&b.file, b.line, &b.message));
    Ok(checked)
}

/// The flaw in its file; none where it is only in what the program itself brings.
fn located(own: &Library, template: &Template, flaw: &Flaw) -> Option<Found> {
    let is_own = |path: &String| own.paths().any(|own| own == path);
    let (file, line) = match &flaw.at {
        At::Source(path) => {
            let layer = &template.sources.iter().find(|(known, _)| known.as_str() == path)?.1.layer;
            let names = ["", RENDERED].map(|end| format!("files/{path}{end}"));
            let whole = names.iter().map(|name| format!("{layer}/{name}"));
            let file = names.iter().cloned().chain(whole).find(is_own);
            (file.unwrap_or_else(|| format!("{layer}/files/{path} (built in)")), flaw.line)
        }
        At::Part(name) => {
            ([format!("parts/{name}"), format!("{SHARED}/parts/{name}")].into_iter().find(is_own)?, flaw.line)
        }
        At::Spec(text) => {
            let specs =
                [SPEC.to_owned(), format!("{}/{SPEC}", template.language), format!("{SHARED}/{SPEC}")];
            specs.into_iter().find_map(|spec| Some((spec.clone(), Some(own.line_of(&spec, text)?))))?
        }
    };
    Some(Found { rule: flaw.law.id, file, line, message: flaw.message.clone(), law: flaw.law })
}

impl Checked {
    /// What was found, as findings.
    pub fn findings(&self) -> Findings {
        let count = self.flaws.len();
        let languages = self.languages.join(", ");
        let summary = match count {
            0 => format!("Nothing is wrong with the template of {languages}."),
            1 => "1 flaw.".to_owned(),
            _ => format!("{count} flaws."),
        };
        let findings = self.flaws.iter().map(finding).collect();
        let section = Section { title: languages, nothing: "Nothing is wrong.", findings };
        Findings { sections: vec![section], notes: Vec::new(), summary }
    }
}

fn finding(found: &Found) -> Finding {
    Finding {
        rule: found.law.id,
        word: "flaw",
        level: Level::Error,
        meaning: found.law.meaning.to_owned(),
        message: found.message.clone(),
        help: found.law.help.to_owned(),
        place: Place {
            file: found.file.clone(),
            line: found.line,
            name: found.line.map_or_else(|| found.file.clone(), |line| format!("{}:{line}", found.file)),
            pointer: String::new(),
            subject: None,
        },
        details: vec![Detail::Says(found.message.clone())],
        waived: None,
    }
}
