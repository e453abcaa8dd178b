//! Stops an operation for good.

use serde::{Deserialize, Serialize};

use super::tools::{NO_OPERATION, NO_STATE, Uses, operation_id};
use crate::chassis::context::Context;
use crate::chassis::declare::{About, Annotations, Declaration, Needs, Tool};
use crate::chassis::fault;
use crate::chassis::schema::{Described, Schema, object};
use crate::chassis::state::Status;

#[derive(Deserialize)]
struct Input {
    operation_id: String,
}

#[derive(Serialize)]
struct Output {
    operation_id: String,
    status: Status,
}

impl Described for Input {
    fn schema() -> Schema {
        object().field("operation_id", operation_id("Id that start_operation returned."))
    }
}

impl Described for Output {
    fn schema() -> Schema {
        object().field("operation_id", operation_id("Id of the operation.")).field("status", Status::schema())
    }
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
    let uses = uses.clone();
    declaration.does(move |context: Context, input: Input| {
        let uses = uses.clone();
        async move {
            let operation = uses.operations()?.cancel(context.subject(), &input.operation_id).await?;
            Ok(Output { operation_id: operation.id, status: operation.status })
        }
    })
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
