//! What the contract commands print.

use std::path::PathBuf;

use serde::{Serialize, Serializer};
use serde_json::json;

use crate::ops::contract::bump::Bumped;
use crate::ops::contract::check::{Checked, Held};
use crate::ops::contract::export::Exported;
use crate::report::contract::{markdown, short, shows};
use crate::ui::{Paint, Report};
use mcp_contract::change::{Change, Comparison};
use mcp_contract::rules::Verdict;
use mcp_contract::version::Level;

/// The report of `diff`.
pub struct DiffReport<'a>(pub &'a Comparison);

impl Serialize for DiffReport<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl Report for DiffReport<'_> {
    fn human(&self, paint: Paint) -> String {
        if self.0.changes.is_empty() {
            return "No change: what clients rely on is as it was.\n".to_owned();
        }
        changes(&self.0.changes, paint) + &summary(self.0.verdict, &self.0.changes, paint)
    }
}

/// The report of `check`.
pub struct CheckReport<'a>(pub &'a Checked);

impl Serialize for CheckReport<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl Report for CheckReport<'_> {
    fn human(&self, paint: Paint) -> String {
        let checked = self.0;
        let mut out = String::new();
        if !checked.drift.is_empty() {
            out += &format!(
                "{}\n\n",
                paint.bold(
                    "The server and contracts/ differ. Run make contracts docs and review what changes:"
                )
            );
            out += &changes(&checked.drift, paint);
        }
        if !checked.changes.is_empty() {
            out += &format!("{}\n\n", paint.bold("Since the last release:"));
            out += &changes(&checked.changes, paint);
        }
        for held in checked.versions.iter().filter(|held| !held.ok) {
            out += &format!("{} {}\n", paint.bad("version"), sentence(held));
        }
        for note in &checked.notes {
            out += &format!("{} {note}\n", paint.dim("note"));
        }
        out += &match (checked.is_clean(), checked.changes.is_empty()) {
            (true, true) => format!("{} nothing has changed since the last release.\n", paint.good("Good:")),
            (true, false) => format!(
                "{} every change since the last release has the version that it needs.\n",
                paint.good("Good:")
            ),
            (false, _) if checked.drift.is_empty() => {
                "Undo the changes, or run cargo mcp contract bump to set the versions.\n".to_owned()
            }
            (false, _) => String::new(),
        };
        out
    }
}

impl CheckReport<'_> {
    /// The report as a comment for a pull request.
    pub fn markdown(&self) -> String {
        let checked = self.0;
        let mut out = String::new();
        if !checked.drift.is_empty() {
            out += "# The server and contracts/ differ\n\nRun `make contracts docs` and review what changes.\n\n";
            out += &markdown(Comparison::of(checked.drift.clone()).verdict, &checked.drift);
            out += "\n# Since the last release\n\n";
        }
        out += &markdown(checked.verdict, &checked.changes);
        let low: Vec<&Held> = checked.versions.iter().filter(|held| !held.ok).collect();
        if !low.is_empty() {
            out += "\n## Versions that are too low\n\n";
            for held in low {
                out += &format!("- {}\n", sentence(held));
            }
            out += "\nUndo the changes above, or run `cargo mcp contract bump`.\n";
        }
        out
    }
}

fn sentence(held: &Held) -> String {
    let why = match held.level {
        Level::Major => "a breaking or unproved change",
        Level::Minor => "an addition",
        Level::Patch => "a changed text or default",
        Level::None => "no change",
    };
    let Held { contract, released, version, needed, .. } = held;
    format!("{contract} is at {version}; after {released} and {why} it must be {needed} or higher")
}

fn changes(changes: &[Change], paint: Paint) -> String {
    let mut order: Vec<&Change> = changes.iter().collect();
    order.sort_by_key(|change| std::cmp::Reverse(change.verdict));
    order.into_iter().map(|change| one(change, paint)).collect()
}

fn one(change: &Change, paint: Paint) -> String {
    let word = change.verdict.word();
    let word = match change.verdict {
        Verdict::Breaking => paint.bad(word),
        Verdict::Unknown | Verdict::Warning => paint.warning(word),
        Verdict::Additive | Verdict::None => paint.good(word),
    };
    let acknowledged = if change.acknowledged { " (acknowledged)" } else { "" };
    let place = format!("{}{}", change.contract, change.pointer);
    let mut out = format!("{word}{acknowledged} {}\n  {}\n", paint.bold(place), change.message);
    let side = |value: &Option<serde_json::Value>| value.as_ref().map_or_else(|| "nothing".to_owned(), short);
    if change.old.is_some() || change.new.is_some() {
        out += &format!("  was  {}\n  is   {}\n", side(&change.old), side(&change.new));
    }
    if let Some(witness) = &change.witness {
        out += &format!("  {}: {}\n", shows(change), short(witness));
    }
    if change.verdict > Verdict::Additive {
        out += &format!("  What to do: {}\n", change.remedy);
    }
    out + &paint.dim(format!("  rule {}", change.rule.id)) + "\n\n"
}

fn summary(verdict: Verdict, changes: &[Change], paint: Paint) -> String {
    let count = |verdict: Verdict| changes.iter().filter(|change| change.verdict == verdict).count();
    let grades = [Verdict::Breaking, Verdict::Unknown, Verdict::Warning, Verdict::Additive];
    let counts: Vec<String> = grades
        .into_iter()
        .filter(|grade| count(*grade) > 0)
        .map(|grade| format!("{} {}", count(grade), grade.word()))
        .collect();
    format!("{}: {}\n", paint.bold(format!("Verdict {}", verdict.word())), counts.join(", "))
}

/// The report of `bump`.
pub struct BumpReport<'a> {
    /// What was set.
    pub bumped: &'a Bumped,
    /// Whether it was only looked at.
    pub dry: bool,
}

impl Serialize for BumpReport<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.bumped.serialize(serializer)
    }
}

impl Report for BumpReport<'_> {
    fn human(&self, paint: Paint) -> String {
        let mut out = String::new();
        let verb = if self.dry { "would rise" } else { "rose" };
        for held in &self.bumped.versions {
            out +=
                &format!("{} {verb} from {} to {}\n", paint.bold(&held.contract), held.version, held.needed);
        }
        if self.bumped.versions.is_empty() {
            out += "Every version is high enough.\n";
        }
        for file in &self.bumped.files {
            out += &format!("{} {file}\n", paint.dim(if self.dry { "would write" } else { "wrote" }));
        }
        for note in &self.bumped.notes {
            out += &format!("{} {note}\n", paint.dim("note"));
        }
        out
    }
}

/// The report of `export`.
pub struct ExportReport {
    /// Where the files are.
    pub folder: PathBuf,
    /// The files.
    pub contracts: Vec<Exported>,
}

impl Serialize for ExportReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        json!({"folder": self.folder, "contracts": self.contracts}).serialize(serializer)
    }
}

impl Report for ExportReport {
    fn human(&self, paint: Paint) -> String {
        let line = |file: &Exported| {
            let word = if file.written { paint.good("written") } else { paint.dim("as it was") };
            format!("{word} {}/{}\n", self.folder.display(), file.path)
        };
        self.contracts.iter().map(line).collect()
    }
}
