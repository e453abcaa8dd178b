//! What tools share.

use crate::chassis::declare::Annotations;
use crate::chassis::fault::{Fault, INTERNAL};
use crate::chassis::state::Operations;
use crate::services::Services;

/// What tools may use. The contracts are made with an empty one: a declaration asks nothing of it.
#[derive(Clone, Default)]
pub struct Uses {
    pub services: Services,
    pub operations: Option<Operations>,
}

impl Uses {
    /// Where operations are kept.
    #[allow(clippy::missing_errors_doc, reason = "there is none in a server")]
    pub fn operations(&self) -> Result<&Operations, Fault> {
        self.operations.as_ref().ok_or_else(|| INTERNAL.into())
    }
}

/// Of a tool that changes nothing and asks nobody.
pub const READ_ONLY: Annotations =
    Annotations { read_only: true, destructive: false, idempotent: true, open_world: false };

pub const NO_STATE: &str = "The state store cannot be reached.";
pub const NO_OPERATION: &str = "The caller has no such operation.";

/// What an operation's id looks like.
pub const OPERATION_ID: &str = "^[A-Za-z0-9_-]{16,64}$";

#[cfg(test)]
#[allow(dead_code, reason = "samples may be gone")]
pub(super) mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use serde_json::Value;

    use super::Uses;
    use crate::chassis::caller::Caller;
    use crate::chassis::context::Context;
    use crate::chassis::declare::Tool;
    use crate::chassis::fault::{Fault, INTERNAL};
    use crate::chassis::state::{Limits, Memory, Operations, Store};

    /// Tools with a store of their own, in which a subject runs two operations at once.
    pub fn uses() -> Uses {
        let memory = Memory::new(Limits { running: 2, ttl: Duration::from_hours(1) });
        Uses { operations: Some(Operations::new(Store::Memory(Arc::new(memory)))), ..Uses::default() }
    }

    /// Calls a tool as a subject.
    pub async fn call(tool: &Tool, subject: &str, arguments: Value) -> Result<Value, Fault> {
        let caller = Caller { subject: subject.to_owned(), ..Caller::default() };
        let Value::Object(arguments) = arguments else { panic!("no object") };
        tool.run(Context::of(Arc::new(caller)), arguments).await
    }

    #[test]
    fn operations_need_a_store() {
        assert!(uses().operations().is_ok());
        assert_eq!(Uses::default().operations().err().unwrap().code(), INTERNAL);
    }
}
