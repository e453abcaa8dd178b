//! What can be typed: clap's types, one file a subcommand. Parsing never does anything.

mod completions;
mod contract;
pub mod line;
mod new;
mod templates;

use clap::{Parser, Subcommand};

pub use self::completions::Completions;
pub use self::contract::{
    Contract, ContractBump, ContractCheck, ContractDiff, ContractExport, ContractServer, Patience, Since,
};
pub use self::new::{New, Vcs};
pub use self::templates::Templates;
use crate::ui::Format;

/// Write complete, production-ready MCP server repositories
#[derive(Debug, Parser)]
#[command(
    name = "cargo-mcp",
    bin_name = "cargo mcp",
    version,
    max_term_width = 100,
    after_help = "Example:\n  cargo mcp new my-server"
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print a completion script for a shell
    #[command(
        after_help = "Example:\n  cargo mcp completions bash > ~/.local/share/bash-completion/completions/cargo-mcp"
    )]
    Completions(Completions),
    /// Keep what clients rely on: export, compare and check contracts
    #[command(subcommand, after_help = "Example:\n  cargo mcp contract diff v1.2.0:contracts contracts")]
    Contract(Contract),
    /// Write a new MCP server repository
    #[command(after_help = "Example:\n  cargo mcp new weather-service --description \"Weather by city\" -y")]
    New(New),
    /// List the languages, their questions and defaults
    #[command(after_help = "Example:\n  cargo mcp templates --format json")]
    Templates(Templates),
}

impl Cli {
    /// The format that the subcommand was asked to print in.
    pub const fn format(&self) -> Format {
        match &self.command {
            Command::Completions(_) => Format::Human,
            Command::Contract(command) => command.format(),
            Command::New(arguments) => arguments.format,
            Command::Templates(arguments) => arguments.format,
        }
    }
}
