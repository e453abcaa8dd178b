//! An MCP server: what is its own in `tools`, `resources`, `prompts`, `services` and `settings`, on a chassis.

pub mod chassis;
#[path = "prompts/registry.rs"]
pub mod prompts;
#[path = "resources/registry.rs"]
pub mod resources;
pub mod server;
#[path = "services/registry.rs"]
pub mod services;
pub mod settings;
#[path = "tools/registry.rs"]
pub mod tools;
