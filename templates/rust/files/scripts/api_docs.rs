//! `docs/api.md`, written from the contracts.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

type Row = Vec<String>;

/// The text of `docs/api.md` for a folder of contracts.
pub fn render(folder: impl AsRef<Path>) -> Result<String, Box<dyn Error>> {
    let read = |kind: &str| read(&folder.as_ref().join(kind));
    let tools = read("tools")?;
    let head_of = ["# API", "Written by `make docs` from `contracts/`; do not edit.", "## Tools"];
    let mut blocks: Vec<String> = head_of.map(str::to_owned).into();
    let common = common_errors(&tools);
    if !common.is_empty() {
        blocks.extend(["Errors of every tool:".to_owned(), error_table(&common)]);
    }
    blocks.extend(tools.iter().flat_map(|each| tool(each, &common)));
    blocks.push("## Resources".to_owned());
    blocks.extend(read("resources")?.iter().flat_map(head));
    blocks.push("## Prompts".to_owned());
    blocks.extend(read("prompts")?.iter().flat_map(prompt));
    Ok(blocks.join("\n\n") + "\n")
}

fn read(folder: &Path) -> Result<Vec<Value>, Box<dyn Error>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut files = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<PathBuf>, Box<dyn Error>>>()?;
    files.sort();
    files.iter().map(|file| Ok(serde_json::from_str(&fs::read_to_string(file)?)?)).collect()
}

fn common_errors(tools: &[Value]) -> Vec<&Value> {
    let first = tools.first().map(|tool| &tool["errors"]);
    let everywhere = |error: &&Value| tools.iter().all(|tool| list(&tool["errors"]).any(|own| own == *error));
    first.map(|errors| list(errors).filter(everywhere).collect()).unwrap_or_default()
}

fn tool(contract: &Value, common: &[&Value]) -> Vec<String> {
    let mut blocks = head(contract);
    for (title, schema) in [("Input:", "inputSchema"), ("Output:", "outputSchema")] {
        let rows = rows(&contract[schema], "");
        blocks.extend([
            title.to_owned(),
            table(&["field", "type", "required", "constraints", "meaning"], &rows),
        ]);
    }
    let own: Vec<_> = list(&contract["errors"]).filter(|error| !common.contains(error)).collect();
    if !own.is_empty() {
        blocks.extend(["Errors, besides those of every tool:".to_owned(), error_table(&own)]);
    }
    blocks
}

fn prompt(contract: &Value) -> Vec<String> {
    let mut blocks = head(contract);
    let rows: Vec<Row> = list(&contract["arguments"])
        .map(|argument| {
            vec![
                code(text(argument, "name")),
                yes(argument["required"] == true),
                plain(text(argument, "description")),
            ]
        })
        .collect();
    blocks.extend(["Arguments:".to_owned(), table(&["argument", "required", "meaning"], &rows)]);
    blocks
}

fn head(contract: &Value) -> Vec<String> {
    let mut facts: Vec<String> =
        [("URI", "uri"), ("URI template", "uriTemplate"), ("MIME type", "mimeType"), ("Scope", "scope")]
            .iter()
            .filter(|(_, key)| !text(contract, key).is_empty())
            .map(|(title, key)| format!("{title}: {}", code(text(contract, key))))
            .collect();
    if let Some(annotations) = contract["annotations"].as_object() {
        let words: Vec<_> = [
            ("readOnlyHint", "read-only"),
            ("destructiveHint", "destructive"),
            ("idempotentHint", "idempotent"),
            ("openWorldHint", "open world"),
        ]
        .iter()
        .map(|(key, word)| {
            if annotations.get(*key) == Some(&Value::Bool(true)) {
                (*word).to_owned()
            } else {
                format!("not {word}")
            }
        })
        .collect();
        facts.push(format!("Annotations: {}", words.join(", ")));
    }
    if contract["sideEffects"].is_string() {
        facts.push(format!("Side effects: {}", plain(text(contract, "sideEffects"))));
    }
    facts.push(format!("Contract version: {}", text(contract, "version")));
    vec![
        format!("### {}", code(text(contract, "name"))),
        format!("{}. {}", plain(text(contract, "title")), plain(text(contract, "description"))),
        format!("- {}", facts.join("\n- ")),
    ]
}

/// One for each property, required ones first; right after it, those of its children.
fn rows(schema: &Value, prefix: &str) -> Vec<Row> {
    let required = |name: &str| list(&schema["required"]).any(|each| each == name);
    let mut properties: Vec<_> = schema["properties"].as_object().into_iter().flatten().collect();
    properties.sort_by_key(|(name, _)| (!required(name), (*name).clone()));
    let mut all = Vec::new();
    for (name, mut node) in properties {
        let mut path = format!("{prefix}{name}");
        let is_required = yes(required(name));
        all.push(vec![
            code(&path),
            type_of(node),
            is_required,
            constraints(node),
            plain(text(node, "description")),
        ]);
        while node["type"] == "array" && node["items"].is_object() {
            path.push_str("[]");
            node = &node["items"];
        }
        all.extend(rows(node, &format!("{path}.")));
    }
    all
}

fn type_of(schema: &Value) -> String {
    match schema["type"].as_str() {
        None => "any".to_owned(),
        Some("array") if schema["items"].is_object() => format!("array of {}", type_of(&schema["items"])),
        Some("array") => "array of any".to_owned(),
        Some(kind) => kind.to_owned(),
    }
}

fn constraints(schema: &Value) -> String {
    let mut parts = Vec::new();
    if schema["enum"].is_array() {
        let values: Vec<_> = list(&schema["enum"]).map(|value| code(&value.to_string())).collect();
        parts.push(format!("one of {}", values.join(", ")));
    }
    for (label, low, high) in [
        ("length", "minLength", "maxLength"),
        ("items", "minItems", "maxItems"),
        ("value", "minimum", "maximum"),
    ] {
        match (schema.get(low), schema.get(high)) {
            (Some(low), Some(high)) => parts.push(format!("{label} {low} to {high}")),
            (Some(low), None) => parts.push(format!("{label} at least {low}")),
            (None, Some(high)) => parts.push(format!("{label} at most {high}")),
            (None, None) => {}
        }
    }
    for (label, key) in [("matches", "pattern"), ("format", "format")] {
        if !text(schema, key).is_empty() {
            parts.push(format!("{label} {}", code(text(schema, key))));
        }
    }
    if let Some(default) = schema.get("default") {
        parts.push(format!("default {}", code(&default.to_string())));
    }
    parts.join("; ")
}

fn error_table(errors: &[&Value]) -> String {
    let rows: Vec<Row> = errors
        .iter()
        .map(|error| vec![code(text(error, "code")), plain(text(error, "description"))])
        .collect();
    table(&["code", "when"], &rows)
}

fn table(head: &[&str], rows: &[Row]) -> String {
    if rows.is_empty() {
        return "None.".to_owned();
    }
    let mut lines = format!("| {} |\n|{}", head.join(" | "), " --- |".repeat(head.len()));
    for row in rows {
        let cells: Vec<_> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
        let _ = write!(lines, "\n| {} |", cells.join(" | "));
    }
    lines
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn yes(value: bool) -> String {
    if value { "yes".to_owned() } else { "no".to_owned() }
}

fn plain(value: &str) -> String {
    value.replace('\n', " ").replace('<', "&lt;")
}

fn code(value: &str) -> String {
    if value.contains('`') { format!("`` {value} ``") } else { format!("`{value}`") }
}
