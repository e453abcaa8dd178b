//! JSON-RPC answers as they go out.

use rmcp::ErrorData;
use rmcp::model::ServerResult;
use serde::Serialize;
use serde_json::{Value, json};

use crate::chassis::json;

#[derive(Serialize)]
struct Reply<'a> {
    jsonrpc: &'static str,
    id: &'a Value,
    #[serde(flatten)]
    outcome: Outcome<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome<'a> {
    Result(&'a ServerResult),
    Error(&'a ErrorData),
}

/// The whole answer; the id is null where none could be read.
pub fn encode(id: &Value, answer: &Result<ServerResult, ErrorData>) -> String {
    let outcome = match answer {
        Ok(result) => Outcome::Result(result),
        Err(error) => Outcome::Error(error),
    };
    json::write(&Reply { jsonrpc: "2.0", id, outcome })
}

/// Tells a client how far a call is.
pub fn progress(token: &Value, share: f64) -> String {
    let params = json!({ "progressToken": token, "progress": share, "total": 1 });
    json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": params }).to_string()
}
