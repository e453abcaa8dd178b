//! Changes for machines and reviews: Markdown for a pull request, SARIF for code scanning.
//!
//! Invariant: text from a contract is shown as text; it can neither end a code span nor start markup.

use mcp_contract::change::Change;
use mcp_contract::rules::{RULES, Verdict};
use serde_json::{Value, json};

const SHOWN: usize = 160;

/// A value on one line, cut when it is long.
#[must_use]
pub fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= SHOWN {
        return text;
    }
    text.chars().take(SHOWN - 1).chain(['…']).collect()
}

/// What a witness shows.
#[must_use]
pub fn shows(change: &Change) -> &'static str {
    if change.rule.id.starts_with("output") {
        "The new contract allows this answer, the old one rules it out"
    } else {
        "This was accepted before and is refused now"
    }
}

/// Markdown: what is grave first, each with what to do.
#[must_use]
pub fn markdown(verdict: Verdict, changes: &[Change]) -> String {
    let mut out = format!("## Contract changes: {}\n\n", verdict.word());
    if changes.is_empty() {
        return out + "Nothing that clients rely on has changed.\n";
    }
    for grade in [Verdict::Breaking, Verdict::Unknown, Verdict::Warning, Verdict::Additive] {
        let some: Vec<&Change> = changes.iter().filter(|change| change.verdict == grade).collect();
        if some.is_empty() {
            continue;
        }
        out += &format!("### {}\n\n", heading(grade));
        for change in some {
            out += &item(change);
        }
        out.push('\n');
    }
    out
}

const fn heading(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Breaking => "Breaking: clients that work today will fail",
        Verdict::Unknown => "Unknown: could not be proved harmless",
        Verdict::Warning => "Warning: nobody is refused, but behaviour may differ",
        Verdict::Additive | Verdict::None => "Additive: nobody is hurt",
    }
}

fn item(change: &Change) -> String {
    let place =
        if change.pointer.is_empty() { String::new() } else { format!(" at {}", code(&change.pointer)) };
    let acknowledged = if change.acknowledged { " (acknowledged)" } else { "" };
    let mut out =
        format!("- **{}**{place}: {}{acknowledged}", code(&change.contract), escape(&change.message));
    if change.old.is_some() || change.new.is_some() {
        let side =
            |value: &Option<Value>| value.as_ref().map_or("nothing".to_owned(), |value| code(&short(value)));
        out += &format!("\n  - was {}, is {}", side(&change.old), side(&change.new));
    }
    if let Some(witness) = &change.witness {
        out += &format!("\n  - {}: {}", shows(change), code(&short(witness)));
    }
    if change.verdict > Verdict::Additive {
        out += &format!("\n  - What to do: {}", change.remedy);
    }
    out + &format!("\n  - Rule: {}\n", code(change.rule.id))
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

/// A SARIF 2.1.0 log; the contract's file is the place.
#[must_use]
pub fn sarif(changes: &[Change]) -> Value {
    let used = |id: &str| changes.iter().any(|change| change.rule.id == id);
    let rules: Vec<Value> = RULES
        .iter()
        .filter(|kind| used(kind.id))
        .map(|kind| json!({"id": kind.id, "shortDescription": {"text": kind.meaning.replace("{}", "")}, "help": {"text": kind.remedy}}))
        .collect();
    let results: Vec<Value> = changes
        .iter()
        .map(|change| {
            let level = match change.verdict {
                _ if change.acknowledged => "note",
                Verdict::Breaking | Verdict::Unknown => "error",
                Verdict::Warning => "warning",
                Verdict::Additive | Verdict::None => "note",
            };
            json!({
                "ruleId": change.rule.id,
                "level": level,
                "message": {"text": format!("{} {}", change.message, change.remedy)},
                "locations": [{
                    "physicalLocation": {"artifactLocation": {"uri": format!("contracts/{}.json", change.contract)}, "region": {"startLine": 1}},
                    "logicalLocations": [{"fullyQualifiedName": format!("{}#{}", change.contract, change.pointer)}]
                }],
                "properties": {"old": change.old, "new": change.new, "witness": change.witness}
            })
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "cargo-mcp", "version": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "results": results
        }]
    })
}
