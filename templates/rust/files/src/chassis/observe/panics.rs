//! A panic is a failure of one call.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};

use futures_util::FutureExt as _;

use crate::chassis::fault::Fault;

/// Runs work whose panic is `internal`.
///
/// # Errors
/// Those of the work.
pub async fn guarded<T>(work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|panic| Err(Fault::internal(text_of(&*panic))))
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic".to_owned())
}

/// Keeps what a panic says off stderr; the log tells where it was.
pub fn quiet_panics() {
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "panic");
    }));
}
