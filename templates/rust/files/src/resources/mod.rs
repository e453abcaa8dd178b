//! Documents that clients may read. Each has one file, and a line in the registry.

pub mod operation;
pub mod registry;
pub mod server_settings;

pub use self::registry::Uses;
