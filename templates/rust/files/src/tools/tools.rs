//! What tools share.

use crate::chassis::declare::Annotations;
use crate::chassis::fault::{Fault, INTERNAL};
use crate::chassis::schema::{self, Schema};
use crate::chassis::state::Operations;
use crate::services::registry::Services;

/// What tools may use. The contracts are made with an empty one: a declaration asks nothing of it.
#[derive(Clone, Default)]
pub struct Uses {
    pub services: Services,
    pub operations: Option<Operations>,
}

impl Uses {
    /// Where operations are kept.
    pub(super) fn operations(&self) -> Result<&Operations, Fault> {
        self.operations.as_ref().ok_or_else(|| INTERNAL.into())
    }
}

/// Of a tool that changes nothing and asks nobody.
pub(super) const READ_ONLY: Annotations =
    Annotations { read_only: true, destructive: false, idempotent: true, open_world: false };

pub(super) const NO_STATE: &str = "The state store cannot be reached.";
pub(super) const NO_OPERATION: &str = "The caller has no such operation.";

pub(super) fn operation_id(description: &'static str) -> Schema {
    schema::string().pattern("^[A-Za-z0-9_-]{16,64}$").describe(description)
}
