//! The tests that look at the server from outside its modules: one program, so that it is built once.

mod contract;
mod e2e;
mod fixtures;
mod integration;
mod security;
