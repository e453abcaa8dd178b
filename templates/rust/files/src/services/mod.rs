//! The other servers that tools use. Each has one file, and a line in the registry.

pub mod records;
pub mod registry;
