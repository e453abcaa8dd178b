//! One use case a file: no clap, no terminal.

pub mod adopt;
pub mod contract;
pub mod new;
pub mod templates;
pub mod update;
