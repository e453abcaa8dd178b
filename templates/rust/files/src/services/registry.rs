//! The other servers that tools use. Each has one file, and a field and a line here.

pub mod records;

use crate::chassis::resilience;
use crate::settings::Settings;

/// What tools may use; one that is not set up is none.
#[derive(Clone, Default)]
pub struct Services {
    pub records: Option<std::sync::Arc<records::Records>>,
}

/// Opens them all.
#[must_use]
#[allow(unused_variables, reason = "a list may be empty")]
pub fn open(settings: &Settings, open: &resilience::Services) -> Services {
    Services { records: records::Records::open(&settings.records, open) }
}
