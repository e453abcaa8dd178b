//! Documents that clients may read. Each has one file, and its name twice here.

mod operation;
mod server_settings;

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

/// The resources in the order in which clients see them.
#[must_use]
#[allow(unused_variables, reason = "a list may be empty")]
pub fn all(uses: &Uses) -> Vec<Resource> {
    vec![server_settings::resource(uses), operation::resource(uses)]
}
