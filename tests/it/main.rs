//! The built command, as its user sees it: one test binary, a module a theme.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test stops where an expectation fails, and says so when it cannot run"
)]

mod answers;
mod contract;
mod disk;
mod harness;
mod help;
mod house;
mod kill;
mod makefile;
mod new;
mod prompts;
mod snapshot;
mod text;
