//! Contracts, and what may become of them.
//!
//! [`model`] holds contracts, [`normal`] their one way of writing, [`diff`] compares two sets, [`judge`] two schemas by
//! [`schema`] containment, [`rules`] is the table of what a change can be, [`version`] holds version numbers to
//! verdicts. Nothing here reads a file or a socket, prints, or knows the tool that asks.

pub mod change;
pub mod diff;
mod error;
pub mod judge;
mod keywords;
pub mod model;
pub mod normal;
pub mod rules;
pub mod schema;
pub mod version;
mod walk;

pub use error::{Error, Result};
