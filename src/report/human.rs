//! Findings for people: each rule once, with what to do, and a line for each place.

use super::{sentence, short, side};
use crate::finding::{Detail, Finding, Findings, Level};
use crate::ui::Paint;

pub(super) fn write(findings: &Findings, paint: Paint) -> String {
    let mut out = String::new();
    let several = findings.sections.iter().filter(|section| !section.findings.is_empty()).count() > 1;
    for section in &findings.sections {
        if several && !section.findings.is_empty() {
            out += &format!("{}\n\n", paint.bold(format!("{}:", section.title)));
        }
        out += &section.groups().iter().map(|group| group_of(group, paint)).collect::<String>();
    }
    for note in &findings.notes {
        out += &format!("{} {note}\n", paint.dim("note"));
    }
    out + &findings.summary + "\n"
}

fn group_of(group: &[&Finding], paint: Paint) -> String {
    let first = group[0];
    let word = match first.level {
        Level::Error => paint.bad(first.word),
        Level::Warning => paint.warning(first.word),
        Level::Note => paint.good(first.word),
    };
    let mut out = format!("{word} {}\n  {}\n", paint.bold(first.rule), sentence(group));
    if first.level > Level::Note {
        out += &format!("  What to do: {}\n", first.help);
    }
    for finding in group {
        out += &place(finding, paint);
    }
    out + "\n"
}

fn place(finding: &Finding, paint: Paint) -> String {
    let place = &finding.place;
    let mut out = format!("    {}", paint.bold(format!("{}{}", place.name, place.pointer)));
    if let Some(subject) = place.extra() {
        out += &format!(" \"{subject}\"");
    }
    if let Some(why) = finding.waived {
        out += &format!(" ({why})");
    }
    for detail in &finding.details {
        out += &match detail {
            Detail::Sides(old, new) => {
                let side = |value: &Option<_>| side(value.as_ref(), str::to_owned);
                let (old, new) = (side(old), side(new));
                match old.len() + new.len() {
                    0..60 => format!(": was {old}, is {new}"),
                    60..90 => format!("\n      was {old}, is {new}"),
                    _ => format!("\n      was {old}\n      is  {new}"),
                }
            }
            Detail::Shows(says, value) => format!("\n      {says}: {}", short(value)),
            Detail::Says(text) => format!("\n      {text}"),
        };
    }
    out + "\n"
}
