//! Starts work that goes on after the call.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::tools::{NO_STATE, Uses, operation_id};
use crate::chassis::context::Context;
use crate::chassis::declare::{About, Declaration, Needs, Tool};
use crate::chassis::fault;
use crate::chassis::schema::{Described, Schema, integer, object, string};
use crate::chassis::state::{Status, Work};

#[derive(Deserialize, Serialize)]
struct Input {
    steps: u32,
    step_milliseconds: u64,
    #[serde(skip_serializing)]
    idempotency_key: Option<String>,
}

#[derive(Serialize)]
struct Output {
    operation_id: String,
    status: Status,
    status_uri: String,
}

impl Described for Input {
    fn schema() -> Schema {
        let duration = integer().min(0).max(1000).describe("Duration of a step in milliseconds.");
        let key = string()
            .pattern("^[A-Za-z0-9_-]{1,64}$")
            .describe("Repeating a call with the same key and arguments gives the same operation.");
        object()
            .default("steps", integer().min(1).max(100).describe("Number of steps."), 10)
            .default("step_milliseconds", duration, 100)
            .optional("idempotency_key", key)
    }
}

impl Described for Output {
    fn schema() -> Schema {
        object()
            .field("operation_id", operation_id("Id of the operation."))
            .field("status", Status::schema())
            .field("status_uri", string().describe("URI of the resource that holds the operation's status."))
    }
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
    let uses = uses.clone();
    declaration.does(move |context: Context, mut input: Input| {
        let uses = uses.clone();
        async move {
            let key = input.idempotency_key.take();
            let work = work(input.steps, Duration::from_millis(input.step_milliseconds));
            let operation = uses.operations()?.start(context.subject(), key, &input, work).await?;
            let status_uri = format!("operation://{}", operation.id);
            Ok(Output { operation_id: operation.id, status: operation.status, status_uri })
        }
    })
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
