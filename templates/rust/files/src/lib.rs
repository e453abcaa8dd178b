//! An MCP server: what is its own in `tools`, `resources`, `prompts`, `services` and `settings`, on a chassis.

pub mod chassis;
pub mod prompts;
pub mod resources;
pub mod server;
pub mod services;
pub mod settings;
pub mod tools;
