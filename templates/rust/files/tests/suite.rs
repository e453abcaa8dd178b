//! The tests that look at the server from outside its modules: one program, so that it is built once.

#![allow(clippy::needless_pass_by_value, reason = "what a test sends is written where it is sent")]

mod contract;
mod e2e;
mod fixtures;
mod integration;
mod security;
