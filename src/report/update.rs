//! How an update prints.

use serde::Serialize;

use crate::ops::update::decide::{Conflict, Decision, Fate};
use crate::ops::update::fleet::Outcome;
use crate::ops::update::{Status, Updated};
use crate::ui::{Paint, Report};

impl Report for Updated {
    fn human(&self, paint: Paint) -> String {
        let conflicts = self.files.iter().filter(|file| matches!(file.fate, Fate::Conflict(_))).count();
        let head = match self.status {
            Status::UpToDate => return up_to_date(self, paint),
            _ if self.dry_run => paint.bold("Would update"),
            Status::Updated => paint.good("Updated"),
            Status::Conflicts => paint.warning("Updated, with conflicts:"),
        };
        let mut out = format!("{head} {}, {}\n", self.path, versions(self));
        out.extend(self.files.iter().map(|file| line(file, paint)));
        if self.dry_run {
            return out + "Nothing was written\n";
        }
        if conflicts > 0 {
            let these = if conflicts == 1 { "The conflict is" } else { "The conflicts are" };
            out += &format!(
                "{these} yours to resolve: keep what you want of both sides and remove the markers, then\n  \
                 cargo mcp update --continue\nor go back to exactly what was there before\n  \
                 cargo mcp update --abort\n"
            );
        }
        if !self.next.is_empty() {
            let then = if conflicts > 0 { "Then" } else { "Next" };
            out += &format!("{} {}\n", paint.good(then), self.next.join(" && "));
        }
        out
    }
}

/// An update that was only looked at.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Behind<'a>(pub &'a Updated);

impl Report for Behind<'_> {
    fn human(&self, paint: Paint) -> String {
        let Self(updated) = self;
        if updated.status == Status::UpToDate {
            return up_to_date(updated, paint);
        }
        let mut out = format!("{} {}, {}\n", paint.warning("Behind:"), updated.path, versions(updated));
        out.extend(updated.files.iter().map(|file| line(file, paint)));
        out += updated.diff.as_deref().unwrap_or_default();
        out + "Nothing was written: cargo mcp update does it\n"
    }
}

/// The end of an update that had conflicts.
#[derive(Debug, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields say what they are")]
pub enum Ended {
    /// They are resolved.
    Resolved { files: Vec<String> },
    /// It was taken back.
    Undone { files: usize },
}

impl Report for Ended {
    fn human(&self, paint: Paint) -> String {
        match self {
            Self::Resolved { .. } => format!("{} no conflict is left\n", paint.good("Updated:")),
            Self::Undone { files } => {
                format!(
                    "{} every file is as it was before the update ({files} files)\n",
                    paint.good("Undone:")
                )
            }
        }
    }
}

/// Many repositories.
#[derive(Debug, Serialize)]
pub struct Fleet {
    /// Whether they were only looked at.
    pub check: bool,
    /// How each fared.
    pub repositories: Vec<Outcome>,
}

impl Fleet {
    /// How many failed.
    pub fn failed(&self) -> usize {
        self.repositories.iter().filter(|outcome| outcome.status.is_none()).count()
    }

    /// Whether any has conflicts, or is behind when that was asked.
    pub fn found(&self) -> bool {
        self.repositories.iter().any(|outcome| match outcome.status {
            Some(Status::Conflicts) => true,
            Some(Status::Updated) => self.check,
            Some(Status::UpToDate) | None => false,
        })
    }

    fn word(&self, outcome: &Outcome, paint: Paint) -> String {
        match outcome.status {
            None => paint.bad(format!("{:10}", "failed")),
            Some(Status::Conflicts) => paint.warning(format!("{:10}", "conflicts")),
            Some(Status::UpToDate) => paint.dim(format!("{:10}", "up to date")),
            Some(Status::Updated) if self.check => paint.warning(format!("{:10}", "behind")),
            Some(Status::Updated) => paint.good(format!("{:10}", "updated")),
        }
    }
}

impl Report for Fleet {
    fn human(&self, paint: Paint) -> String {
        let width = self.repositories.iter().map(|outcome| outcome.path.chars().count()).max().unwrap_or(0);
        let mut out = String::new();
        for outcome in &self.repositories {
            let said = match (&outcome.error, outcome.status) {
                (Some(error), _) => error.message.clone(),
                (None, Some(Status::UpToDate)) => outcome.to.clone(),
                (None, _) if outcome.conflicts.is_empty() => {
                    format!("{} → {}, {} files", outcome.from, outcome.to, outcome.files)
                }
                (None, _) => format!("{} → {}: {}", outcome.from, outcome.to, outcome.conflicts.join(", ")),
            };
            out += &format!("{}  {:width$}  {said}\n", self.word(outcome, paint), outcome.path);
            out.extend(outcome.warnings.iter().map(|warning| format!("{:12}{}\n", "", paint.dim(warning))));
        }
        let count = |status| self.repositories.iter().filter(|outcome| outcome.status == status).count();
        let updated = if self.check { "behind" } else { "updated" };
        out + &format!(
            "{} {updated}, {} conflicts, {} up to date, {} failed\n",
            count(Some(Status::Updated)),
            count(Some(Status::Conflicts)),
            count(Some(Status::UpToDate)),
            count(None)
        )
    }
}

fn up_to_date(updated: &Updated, paint: Paint) -> String {
    format!("{} {} (template {})\n", paint.good("Up to date:"), updated.path, updated.to)
}

fn versions(updated: &Updated) -> String {
    match (&updated.from, &updated.to) {
        (from, to) if from == to => format!("template {to}"),
        (from, to) => format!("template {from} → {to}"),
    }
}

fn line(file: &Decision, paint: Paint) -> String {
    let word = |word: &str| format!("{word:9}");
    let (word, detail) = match &file.fate {
        Fate::Create => (paint.good(word("create")), String::new()),
        Fate::Restore => (paint.good(word("restore")), String::new()),
        Fate::Update => (paint.bold(word("update")), String::new()),
        Fate::Merge => (paint.bold(word("merge")), String::new()),
        Fate::Move => (paint.bold(word("move")), String::new()),
        Fate::Delete => (paint.warning(word("delete")), String::new()),
        Fate::Stale { command } => {
            (paint.warning(word("keep")), format!("yours differs: {command} writes it again"))
        }
        Fate::Conflict(conflict) => (paint.bad(word("conflict")), why(conflict)),
    };
    let from = file.from.as_ref().map(|from| format!(" from {from}")).unwrap_or_default();
    let detail = if detail.is_empty() { detail } else { paint.dim(format!(" ({detail})")) };
    format!("  {word} {}{from}{detail}\n", file.path)
}

fn why(conflict: &Conflict) -> String {
    let places = |n: usize| if n == 1 { "in one place".to_owned() } else { format!("in {n} places") };
    match conflict {
        Conflict::Marked { places: n, base: true } => places(*n),
        Conflict::Marked { places: n, base: false } => {
            format!("{}; no base: what was rendered is not known, so every difference is marked", places(*n))
        }
        Conflict::Binary { beside } => {
            format!(
                "no text: yours is kept, the template's is {beside}; keep one under its name, remove the other"
            )
        }
        Conflict::Removed => "the template has it no more; you changed it, so it is kept".to_owned(),
        Conflict::Occupied => {
            "the template moved it to where you have a file of your own; both are kept".to_owned()
        }
        Conflict::Odd { reason } => format!("left alone: {reason}"),
    }
}
