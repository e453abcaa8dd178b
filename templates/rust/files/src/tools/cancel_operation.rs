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
