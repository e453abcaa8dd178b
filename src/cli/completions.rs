//! `cargo mcp completions`.

use clap::Args;

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell to complete in
    pub shell: clap_complete::Shell,
}
