//! Contracts and how they may change.

pub mod schema;
