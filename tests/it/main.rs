//! The built command, as its user sees it: one test binary, a module a theme.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test stops where an expectation fails, says so when it cannot run, and prepares the disk"
)]

mod adopt;
mod answers;
mod contract;
mod contract_client;
mod custom;
mod disk;
mod edits;
mod fleet;
mod harness;
mod help;
mod house;
mod imports;
mod kill;
mod library;
mod makefile;
mod merge;
mod new;
mod prompts;
mod repository;
mod snapshot;
mod text;
mod update;
mod update_edges;
mod update_proof;
mod workflows;
