//! How long a comparison of a thousand tools takes, all of them changed: `cargo bench --bench contract`.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark prints, and stops where it fails"
)]

use std::time::Instant;

use mcp_contract::diff;
use mcp_contract::model::Contracts;
use serde_json::{Map, Value, json};

fn tools(length: u64, output: &[&str]) -> Contracts {
    let properties: Map<String, Value> = (0..20)
        .map(|n| (format!("p{n}"), json!({"type": "string", "maxLength": length + n, "pattern": "^[a-z]+$", "description": "Text."})))
        .collect();
    let outputs: Map<String, Value> =
        output.iter().map(|key| ((*key).to_owned(), json!({"type": "string"}))).collect();
    let tool = |n: usize| {
        json!({
            "name": format!("tool_{n}"), "description": "Does.",
            "inputSchema": {"type": "object", "properties": properties, "additionalProperties": false},
            "outputSchema": {"type": "object", "properties": outputs, "required": output}
        })
    };
    Contracts::from_document(&json!({"tools": (0..1_000).map(tool).collect::<Vec<_>>()})).unwrap()
}

fn main() {
    let (old, new) = (tools(100, &["a", "b"]), tools(99, &["a"]));
    for (what, after) in [("nothing changed", &old), ("every property of every tool changed", &new)] {
        let start = Instant::now();
        let changes = diff::sets(&old, after).changes.len();
        println!("1000 tools, {what}: {:?}, {changes} changes", start.elapsed());
    }
}
