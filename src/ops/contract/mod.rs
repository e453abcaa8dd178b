//! Contracts as files, in history and on live servers: what `cargo mcp contract` does.

pub mod bump;
pub mod check;
pub mod diff;
pub mod export;
mod findings;
pub mod source;
