//! What a tool, a resource or a prompt can reach of its call.

use std::sync::Arc;

use crate::chassis::caller::Caller;
use crate::chassis::limit::Slot;
use crate::chassis::observe::Trace;

/// Tells the client the share of the work that is done.
pub type Progress = Arc<dyn Fn(f64) + Send + Sync>;

/// One call; it is cheap to clone.
#[derive(Clone, Default)]
pub struct Context {
    pub caller: Arc<Caller>,
    pub trace: Trace,
    pub progress: Option<Progress>,
    pub slot: Option<Arc<Slot>>,
}

impl Context {
    #[must_use]
    pub fn of(caller: Arc<Caller>) -> Self {
        Self { caller, ..Self::default() }
    }

    #[must_use]
    pub fn subject(&self) -> &str {
        &self.caller.subject
    }

    /// Tells the client the share of the work that is done, 0 to 1, if it asked to be told.
    pub fn progress(&self, share: f64) {
        if let Some(tell) = &self.progress {
            tell(share);
        }
    }

    /// Runs what only waits without holding the call's place; nothing, at once, when too many calls wait already.
    pub async fn waiting<T>(&self, wait: impl Future<Output = T>) -> Option<T> {
        match &self.slot {
            Some(slot) => slot.wait(wait).await,
            None => Some(wait.await),
        }
    }
}
