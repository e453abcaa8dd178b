//! How what is behind the server stands, by name, as `/health` tells.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

type Check = Box<dyn Fn() -> &'static str + Send + Sync>;

/// Checks that wait for nobody.
#[derive(Default)]
pub struct Health(Mutex<BTreeMap<&'static str, Check>>);

impl Health {
    /// Adds a check: `healthy` or `degraded`.
    pub fn register(&self, name: &'static str, is_healthy: impl Fn() -> bool + Send + Sync + 'static) {
        self.add(name, Box::new(move || if is_healthy() { "healthy" } else { "degraded" }));
    }

    /// Adds a service that is not set up.
    pub fn disabled(&self, name: &'static str) {
        self.add(name, Box::new(|| "disabled"));
    }

    fn add(&self, name: &'static str, check: Check) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name, check);
    }

    /// Runs all of them.
    #[must_use]
    pub fn checks(&self) -> BTreeMap<&'static str, &'static str> {
        let checks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        checks.iter().map(|(name, check)| (*name, check())).collect()
    }
}
