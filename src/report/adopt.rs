//! How an adoption prints.

use crate::ops::adopt::{Adopted, Fate, Taken};
use crate::ui::{Paint, Report};

impl Report for Adopted {
    fn human(&self, paint: Paint) -> String {
        let head = if self.dry_run { paint.bold("Would adopt") } else { paint.good("Adopted") };
        let mut out =
            format!("{head} {} ({}, template {})\n", self.path, self.language, self.template_version);
        out.extend(self.files.iter().map(|file| line(file, paint)));
        out += &format!("{} more files are as the template has them\n", self.same);
        if self.dry_run {
            return out + "Nothing was written\n";
        }
        out + &format!("{} git diff, then make install lint test\n", paint.good("Next"))
    }
}

fn line(file: &Taken, paint: Paint) -> String {
    let (word, detail) = match &file.fate {
        Fate::Create => (paint.good("create"), ""),
        Fate::Merge => (paint.bold("merge "), "much like the template's: updates merge into it"),
        Fate::Keep => (paint.dim("keep  "), "yours: no update touches it"),
        Fate::Leave { reason } => (paint.warning("leave "), reason.as_str()),
    };
    let detail = if detail.is_empty() { String::new() } else { paint.dim(format!(" ({detail})")) };
    format!("  {word} {}{detail}\n", file.path)
}
