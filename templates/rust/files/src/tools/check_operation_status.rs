//! Tells how an operation stands; it may wait for a change.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::tools::{NO_OPERATION, NO_STATE, OPERATION_ID, READ_ONLY, Uses};
use crate::chassis::context::Context;
use crate::chassis::declare::{About, Declaration, Needs, Tool};
use crate::chassis::fault::{self, Fault};
use crate::chassis::state::{Operation, Operations, Status};

/// How often a wait looks at the operation.
const POLL: Duration = Duration::from_millis(100);

#[derive(Deserialize, JsonSchema)]
struct Input {
    /// Id that start_operation returned.
    #[schemars(regex(pattern = OPERATION_ID))]
    operation_id: String,
    /// Longest time to wait for a change of status, in seconds.
    #[serde(default)]
    #[schemars(range(min = 0, max = 20))]
    wait_seconds: f64,
}

#[derive(Serialize, JsonSchema)]
struct Output {
    /// Id of the operation.
    #[schemars(regex(pattern = OPERATION_ID))]
    operation_id: String,
    status: Status,
    /// Share of the work that is done.
    #[schemars(range(min = 0, max = 1))]
    progress: f64,
    /// Result of a completed operation; absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Map<String, Value>>,
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
    declaration.does(uses, check)
}

async fn check(uses: Uses, context: Context, input: Input) -> Result<Output, Fault> {
    let operations = uses.operations()?;
    let mut found = operations.get(context.subject(), &input.operation_id).await?;
    if input.wait_seconds > 0.0 && !found.status.has_ended() {
        let wait = Duration::from_secs_f64(input.wait_seconds);
        let change = context.waiting(change(&context, operations, found.clone(), wait)).await;
        found = change.unwrap_or(Ok(found))?;
    }
    let Operation { id, status, progress, result } = found;
    Ok(Output { operation_id: id, status, progress, result })
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
