//! Tells how one of the caller's operations stands.

use serde_json::{Value, json};

use super::Uses;
use crate::chassis::context::Context;
use crate::chassis::declare::{About, Needs, Resource};
use crate::chassis::fault::{self, Fault};
use crate::chassis::state::Operations;

pub(super) fn resource(uses: &Uses) -> Resource {
    let about = About {
        name: "operation",
        title: "Operation",
        description: "Status, progress and result of one of the caller's operations as JSON.",
        scope: "operations:read",
        ..About::NEW
    };
    let needs = Needs { writes: true, missing: false };
    Resource::new(about, needs, "operation://{operation_id}", &uses.operations, read)
}

async fn read(operations: Option<Operations>, context: Context, id: String) -> Result<Value, Fault> {
    let operation = operations.ok_or(fault::INTERNAL)?.get(context.subject(), &id).await?;
    let mut document =
        json!({ "operation_id": id, "status": operation.status, "progress": operation.progress });
    if let Some(result) = operation.result {
        document["result"] = result.into();
    }
    Ok(document)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::chassis::caller::Caller;
    use crate::chassis::state::{Limits, Memory, Store};

    #[tokio::test(start_paused = true)]
    async fn it_is_its_subjects_own() {
        let memory = Memory::new(Limits { running: 1, ttl: Duration::from_mins(1) });
        let operations = Operations::new(Store::Memory(Arc::new(memory)));
        let started = operations
            .start("alice", None, &(), Box::new(|_| Box::pin(std::future::pending())))
            .await
            .unwrap();
        let uses = Uses { operations: Some(operations), describe: Arc::new(|| json!(null)) };
        let resource = resource(&uses);
        let uri = format!("operation://{}", started.id);
        let id = resource.matches(&uri).unwrap();
        let of =
            |subject: &str| Context::of(Arc::new(Caller { subject: subject.into(), ..Caller::default() }));
        assert_eq!(resource.read(of("alice"), id).await.unwrap()["operation_id"], started.id);
        assert_eq!(resource.read(of("bob"), id).await.unwrap_err().code(), fault::OPERATION_NOT_FOUND);
    }
}
