//! One use case a file: no clap, no terminal.

pub mod new;
pub mod templates;
