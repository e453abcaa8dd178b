//! Findings as a comment for a pull request.
//!
//! Invariant: text from a contract is shown as text; it can neither end a code span nor start markup.

use super::{sentence, short, side};
use crate::finding::{Detail, Finding, Findings, Level, Section};

pub(super) fn write(findings: &Findings) -> String {
    let mut out = String::new();
    for section in &findings.sections {
        out += &format!("## {}\n\n{}", escape(&section.title), body(section));
    }
    for note in &findings.notes {
        out += &format!("Note: {}\n\n", escape(note));
    }
    out + &escape(&findings.summary) + "\n"
}

fn body(section: &Section) -> String {
    if section.findings.is_empty() {
        return format!("{}\n\n", section.nothing);
    }
    let groups = section.groups();
    groups.iter().map(|group| group_of(group)).collect()
}

fn group_of(group: &[&Finding]) -> String {
    let first = group[0];
    let mut out = format!("### {}: {}\n\n{}\n\n", first.word, code(first.rule), escape(sentence(group)));
    if first.level > Level::Note {
        out += &format!("What to do: {}\n\n", escape(&first.help));
    }
    for finding in group {
        out += &place(finding);
    }
    out + "\n"
}

fn place(finding: &Finding) -> String {
    let place = &finding.place;
    let mut out = format!("- {}", code(&format!("{}{}", place.name, place.pointer)));
    if let Some(subject) = place.extra() {
        out += &format!(" {}", code(subject));
    }
    if let Some(why) = finding.waived {
        out += &format!(" ({why})");
    }
    out.push('\n');
    for detail in &finding.details {
        out += &match detail {
            Detail::Sides(old, new) => {
                format!("  - was {}, is {}\n", side(old.as_ref(), code), side(new.as_ref(), code))
            }
            Detail::Shows(says, value) => format!("  - {says}: {}\n", code(&short(value))),
            Detail::Says(text) => format!("  - {}\n", escape(text)),
        };
    }
    out
}

/// A code span that holds any text.
fn code(text: &str) -> String {
    let text: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let longest = text.split(|letter| letter != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    if longest == 0 { format!("`{text}`") } else { format!("{fence} {text} {fence}") }
}

fn escape(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '&' => "&amp;".to_owned(),
            '*' | '_' | '`' | '[' | ']' | '\\' | '#' | '@' | '|' => format!("\\{letter}"),
            letter if letter.is_control() => " ".to_owned(),
            letter => letter.to_string(),
        })
        .collect()
}
