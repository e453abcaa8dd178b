//! The resources in the order in which clients see them.

use crate::chassis::app::Describe;
use crate::chassis::declare::Resource;
use crate::chassis::state::Operations;

/// What resources may use.
#[derive(Clone)]
pub struct Uses {
    pub operations: Option<Operations>,
    /// Tells the server's effective settings.
    pub describe: Describe,
}

#[must_use]
pub fn all(uses: &Uses) -> Vec<Resource> {
    vec![super::server_settings::resource(uses), super::operation::resource(uses)]
}
