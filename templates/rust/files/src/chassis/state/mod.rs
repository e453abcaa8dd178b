//! Long-running operations: their workers run in this process, what is known of them is in a store that replicas may
//! share. Keys of a store hold nothing that a caller sent.

mod connection;
mod memory;
mod operations;
mod rate;
mod redis;
mod store;

pub use self::connection::Connection;
pub use self::memory::Memory;
pub use self::operations::{Operations, Work};
pub use self::rate::Rate;
pub use self::redis::Redis;
pub use self::store::{Change, Limits, New, Operation, Status, Store};
