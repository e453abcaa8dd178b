//! Bounds how much is called: a token bucket for each caller, places for all of them.

mod bulkhead;
mod rate;
mod slot;

pub use self::bulkhead::{Bulkhead, Full, Place};
pub use self::rate::Buckets;
pub use self::slot::{Places, Slot};
