//! What `bump` and `export` print.

use std::path::PathBuf;

use serde::{Serialize, Serializer};
use serde_json::json;

use crate::ops::contract::bump::Bumped;
use crate::ops::contract::export::Exported;
use crate::ui::{Paint, Report};

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
