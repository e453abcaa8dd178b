//! The labelled corpus, properties of random schemas, and schemas made to hurt.
#![allow(clippy::unwrap_used, reason = "a test stops where an expectation fails")]

mod corpus;
mod hostile;
mod property;
mod references;
