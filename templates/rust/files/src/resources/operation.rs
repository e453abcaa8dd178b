//! Tells how one of the caller's operations stands.

use serde_json::json;

use super::registry::Uses;
use crate::chassis::declare::{About, Needs, Resource};
use crate::chassis::fault;

pub(super) fn resource(uses: &Uses) -> Resource {
    let about = About {
        name: "operation",
        title: "Operation",
        description: "Status, progress and result of one of the caller's operations as JSON.",
        scope: "operations:read",
        ..About::NEW
    };
    let operations = uses.operations.clone();
    let needs = Needs { writes: true, missing: false };
    Resource::new(about, needs, "operation://{operation_id}", move |context, id| {
        let operations = operations.clone();
        async move {
            let operation = operations.ok_or(fault::INTERNAL)?.get(context.subject(), &id).await?;
            let mut document =
                json!({ "operation_id": id, "status": operation.status, "progress": operation.progress });
            if let Some(result) = operation.result {
                document["result"] = result.into();
            }
            Ok(document)
        }
    })
}
