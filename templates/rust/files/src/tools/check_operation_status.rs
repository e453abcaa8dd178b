//! Tells how an operation stands; it may wait for a change.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::tools::{NO_OPERATION, NO_STATE, READ_ONLY, Uses, operation_id};
use crate::chassis::context::Context;
use crate::chassis::declare::{About, Declaration, Needs, Tool};
use crate::chassis::fault::{self, Fault};
use crate::chassis::schema::{Described, Schema, map, number, object};
use crate::chassis::state::{Operation, Operations, Status};

/// How often a wait looks at the operation.
const POLL: Duration = Duration::from_millis(100);

#[derive(Deserialize)]
struct Input {
    operation_id: String,
    wait_seconds: f64,
}

#[derive(Serialize)]
struct Output {
    operation_id: String,
    status: Status,
    progress: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Map<String, Value>>,
}

impl Described for Input {
    fn schema() -> Schema {
        let wait =
            number().min(0).max(20).describe("Longest time to wait for a change of status, in seconds.");
        object().field("operation_id", operation_id("Id that start_operation returned.")).default(
            "wait_seconds",
            wait,
            0,
        )
    }
}

impl Described for Output {
    fn schema() -> Schema {
        object()
            .field("operation_id", operation_id("Id of the operation."))
            .field("status", Status::schema())
            .field("progress", number().min(0).max(1).describe("Share of the work that is done."))
            .optional("result", map().describe("Result of a completed operation; absent otherwise."))
    }
}

pub(super) fn tool(uses: &Uses) -> Tool {
    let declaration = Declaration {
        about: About {
            name: "check_operation_status",
            title: "Check an operation",
            description: "Report an operation's status and progress, optionally waiting for a change of status.",
            scope: "operations:read",
            ..About::NEW
        },
        needs: Needs { writes: true, missing: false },
        annotations: READ_ONLY,
        errors: &[(fault::OPERATION_NOT_FOUND, NO_OPERATION), (fault::DEPENDENCY_UNAVAILABLE, NO_STATE)],
        ..Declaration::NEW
    };
    let uses = uses.clone();
    declaration.does(move |context: Context, input: Input| {
        let uses = uses.clone();
        async move {
            let operations = uses.operations()?;
            let found = operations.get(context.subject(), &input.operation_id).await?;
            let found = if input.wait_seconds == 0.0 || found.status.has_ended() {
                found
            } else {
                let wait = Duration::from_secs_f64(input.wait_seconds);
                context
                    .waiting(change(&context, operations, found.clone(), wait))
                    .await
                    .unwrap_or(Ok(found))?
            };
            let Operation { id, status, progress, result } = found;
            Ok(Output { operation_id: id, status, progress, result })
        }
    })
}

/// Returns as soon as the status is another one, or after the wait.
async fn change(
    context: &Context,
    operations: &Operations,
    found: Operation,
    wait: Duration,
) -> Result<Operation, Fault> {
    let end = Instant::now() + wait;
    let mut now = found.clone();
    let mut told = -1.0;
    while now.status == found.status {
        if now.progress > told {
            told = now.progress;
            context.progress(told);
        }
        if Instant::now() >= end {
            break;
        }
        tokio::time::sleep_until(end.min(Instant::now() + POLL)).await;
        now = operations.get(context.subject(), &found.id).await?;
    }
    Ok(now)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::start_operation;
    use super::super::tools::tests::{call, uses};
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_wait_ends_with_a_change() {
        let uses = uses();
        let started = call(&start_operation::tool(&uses), "alice", json!({ "steps": 2 })).await.unwrap();
        let id = &started["operation_id"];
        let tool = tool(&uses);
        let look = |wait| call(&tool, "alice", json!({ "operation_id": id, "wait_seconds": wait }));
        assert_eq!(look(20).await.unwrap()["status"], "running");
        let begun = Instant::now();
        let done = look(20).await.unwrap();
        assert_eq!((&done["status"], &done["progress"]), (&json!("completed"), &json!(1.0)));
        assert_eq!(done["result"], json!({ "steps_completed": 2 }));
        assert!(begun.elapsed() < Duration::from_secs(1));
        let foreign = call(&tool, "bob", json!({ "operation_id": id })).await.unwrap_err();
        assert_eq!(foreign.code(), fault::OPERATION_NOT_FOUND);
    }
}
