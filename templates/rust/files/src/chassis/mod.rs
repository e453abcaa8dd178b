//! What every server of the standard has; it names nothing of this one's own.

pub mod app;
pub mod auth;
pub mod call;
pub mod caller;
pub mod context;
pub mod declare;
pub mod fault;
pub mod json;
pub mod lifecycle;
pub mod limit;
pub mod observe;
pub mod process;
pub mod resilience;
pub mod schema;
pub mod settings;
pub mod site;
pub mod state;
pub mod text;
pub mod transport;
