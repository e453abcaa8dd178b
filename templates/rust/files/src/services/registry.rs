use std::sync::Arc;

use super::records::Records;
use crate::chassis::resilience;
use crate::settings::Settings;

/// What tools may use; one that is not set up is none.
#[derive(Clone, Default)]
pub struct Services {
    pub records: Option<Arc<Records>>,
}

/// Opens them all.
#[must_use]
pub fn open(settings: &Settings, open: &resilience::Services) -> Services {
    Services { records: Records::open(&settings.records, open) }
}
