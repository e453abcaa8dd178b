//! Stops an operation for good.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::tools::{NO_OPERATION, NO_STATE, OPERATION_ID, Uses};
use crate::chassis::context::Context;
use crate::chassis::declare::{About, Annotations, Declaration, Needs, Tool};
use crate::chassis::fault::{self, Fault};
use crate::chassis::state::Status;

#[derive(Deserialize, JsonSchema)]
struct Input {
    /// Id that start_operation returned.
    #[schemars(regex(pattern = OPERATION_ID))]
    operation_id: String,
}

#[derive(Serialize, JsonSchema)]
struct Output {
    /// Id of the operation.
    #[schemars(regex(pattern = OPERATION_ID))]
    operation_id: String,
    status: Status,
}

pub(super) fn tool(uses: &Uses) -> Tool {
    let declaration = Declaration {
        about: About {
            name: "cancel_operation",
            title: "Cancel an operation",
            description: "Stop a running operation; what it has done so far is not undone.",
            scope: "operations:write",
            ..About::NEW
        },
        needs: Needs { writes: true, missing: false },
        annotations: Annotations { destructive: true, idempotent: true, ..Annotations::default() },
        side_effects: "Stops the operation for good.",
        errors: &[
            (fault::OPERATION_NOT_FOUND, NO_OPERATION),
            (fault::STATE_CONFLICT, "The operation has completed or failed."),
            (fault::DEPENDENCY_UNAVAILABLE, NO_STATE),
        ],
        ..Declaration::NEW
    };
    declaration.does(uses, cancel)
}

async fn cancel(uses: Uses, context: Context, input: Input) -> Result<Output, Fault> {
    let operation = uses.operations()?.cancel(context.subject(), &input.operation_id).await?;
    Ok(Output { operation_id: operation.id, status: operation.status })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::super::start_operation;
    use super::super::tools::tests::{call, uses};
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_runs_is_stopped_for_good() {
        let uses = uses();
        let (start, tool) = (start_operation::tool(&uses), tool(&uses));
        let id = call(&start, "alice", json!({})).await.unwrap()["operation_id"].clone();
        for _ in 0..2 {
            let cancelled = call(&tool, "alice", json!({ "operation_id": id })).await.unwrap();
            assert_eq!(cancelled["status"], "cancelled");
        }
        let arguments = json!({ "steps": 1, "step_milliseconds": 0 });
        let id = call(&start, "alice", arguments).await.unwrap()["operation_id"].clone();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let late = call(&tool, "alice", json!({ "operation_id": id })).await.unwrap_err();
        assert_eq!((late.code(), late.message()), (fault::STATE_CONFLICT, "operation_id: already completed"));
        let foreign = call(&tool, "bob", json!({ "operation_id": id })).await.unwrap_err();
        assert_eq!(foreign.code(), fault::OPERATION_NOT_FOUND);
    }
}
