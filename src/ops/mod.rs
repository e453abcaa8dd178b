//! One use case a file: no clap, no terminal.

pub mod contract;
pub mod new;
pub mod templates;
