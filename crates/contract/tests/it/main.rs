//! The labelled corpus, properties of random schemas, and schemas made to hurt.
#![allow(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops where an expectation fails, and one starts a program"
)]

mod corpus;
mod hostile;
mod property;
mod references;
