//! `cargo mcp templates`.

use clap::Args;

use crate::ui::Format;

/// Arguments of `templates`.
#[derive(Debug, Args)]
pub struct Templates {
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}
