//! Starts work that goes on after the call.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::tools::{NO_STATE, OPERATION_ID, Uses};
use crate::chassis::context::Context;
use crate::chassis::declare::{About, Declaration, Needs, Tool};
use crate::chassis::fault::{self, Fault};
use crate::chassis::state::{Status, Work};

#[derive(Deserialize, Serialize, JsonSchema)]
#[serde(default)]
struct Input {
    /// Number of steps.
    #[schemars(range(min = 1, max = 100))]
    steps: u32,
    /// Duration of a step in milliseconds.
    #[schemars(range(min = 0, max = 1000))]
    step_milliseconds: u64,
    /// Repeating a call with the same key and arguments gives the same operation.
    #[serde(skip_serializing)]
    #[schemars(regex(pattern = "^[A-Za-z0-9_-]{1,64}$"))]
    idempotency_key: Option<String>,
}

impl Default for Input {
    fn default() -> Self {
        Self { steps: 10, step_milliseconds: 100, idempotency_key: None }
    }
}

#[derive(Serialize, JsonSchema)]
struct Output {
    /// Id of the operation.
    #[schemars(regex(pattern = OPERATION_ID))]
    operation_id: String,
    status: Status,
    /// URI of the resource that holds the operation's status.
    status_uri: String,
}

pub(super) fn tool(uses: &Uses) -> Tool {
    let declaration = Declaration {
        about: About {
            name: "start_operation",
            title: "Start an operation",
            description: "Start a long-running operation; follow it with check_operation_status.",
            scope: "operations:write",
            ..About::NEW
        },
        needs: Needs { writes: true, missing: false },
        side_effects: "Creates an operation that runs in the background and is kept until its time to live ends.",
        errors: &[
            (fault::STATE_CONFLICT, "The idempotency key was used with other arguments."),
            (fault::TOO_MANY_OPERATIONS, "The caller has MCP_MAX_OPERATIONS running operations."),
            (fault::DEPENDENCY_UNAVAILABLE, NO_STATE),
        ],
        ..Declaration::NEW
    };
    declaration.does(uses, start)
}

async fn start(uses: Uses, context: Context, mut input: Input) -> Result<Output, Fault> {
    let key = input.idempotency_key.take();
    let work = work(input.steps, Duration::from_millis(input.step_milliseconds));
    let operation = uses.operations()?.start(context.subject(), key, &input, work).await?;
    let status_uri = format!("operation://{}", operation.id);
    Ok(Output { operation_id: operation.id, status: operation.status, status_uri })
}

/// Stands for something that takes its time.
fn work(steps: u32, pause: Duration) -> Work {
    Box::new(move |report| {
        Box::pin(async move {
            for step in 1..=steps {
                tokio::time::sleep(pause).await;
                report(f64::from(step) / f64::from(steps)).await;
            }
            Ok(Map::from_iter([("steps_completed".to_owned(), Value::from(steps))]))
        })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tools::tests::{call, uses};
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_key_is_one_operation() {
        let tool = tool(&uses());
        let arguments = json!({ "steps": 100, "idempotency_key": "mine" });
        let first = call(&tool, "alice", arguments.clone()).await.unwrap();
        assert_eq!(first["status"], "started");
        assert_eq!(first["status_uri"], format!("operation://{}", first["operation_id"].as_str().unwrap()));
        let again = call(&tool, "alice", arguments).await.unwrap();
        assert_eq!(again["operation_id"], first["operation_id"]);
        let other = call(&tool, "alice", json!({ "idempotency_key": "mine" })).await.unwrap_err();
        assert_eq!(other.code(), fault::STATE_CONFLICT);
        call(&tool, "alice", json!({})).await.unwrap();
        assert_eq!(call(&tool, "alice", json!({})).await.unwrap_err().code(), fault::TOO_MANY_OPERATIONS);
        assert_eq!(
            call(&tool, "bob", json!({ "steps": 101 })).await.unwrap_err().code(),
            fault::INVALID_ARGUMENT
        );
    }
}
