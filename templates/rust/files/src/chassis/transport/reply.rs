//! JSON-RPC answers as they go out.

use serde_json::{Value, json};

use crate::chassis::json;

/// What answers a request.
#[derive(Debug)]
pub enum Outcome {
    /// The result as JSON.
    Result(String),
    Error(RpcError),
}

#[derive(Debug)]
pub struct RpcError {
    pub code: i32,
    pub message: String,
    pub data: Option<Value>,
}

impl RpcError {
    pub fn new(code: i32, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    pub fn with(self, data: Value) -> Self {
        Self { data: Some(data), ..self }
    }
}

/// The whole answer.
pub fn encode(id: &Value, outcome: &Outcome) -> String {
    json::escape(match outcome {
        Outcome::Result(result) => format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#),
        Outcome::Error(error) => {
            let mut body = json!({ "code": error.code, "message": error.message });
            if let Some(data) = &error.data {
                body["data"] = data.clone();
            }
            format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{body}}}"#)
        }
    })
}

/// Tells a client how far a call is.
pub fn progress(token: &Value, share: f64) -> String {
    let params = json!({ "progressToken": token, "progress": share, "total": 1 });
    json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": params }).to_string()
}
