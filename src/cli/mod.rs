//! What can be typed: clap's types, one file a subcommand. Parsing never does anything.

mod adopt;
mod completions;
mod contract;
pub mod line;
mod new;
mod templates;
mod update;

use clap::{Parser, Subcommand};

pub use self::adopt::Adopt;
pub use self::completions::Completions;
pub use self::contract::{
    Contract, ContractBump, ContractCheck, ContractDiff, ContractExport, ContractServer, Patience, Since,
};
pub use self::new::{New, Vcs};
pub use self::templates::{Templates, TemplatesCheck, TemplatesCommand, TemplatesExport};
pub use self::update::Update;
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
    /// Take a repository under management: add what the standard has and it lacks
    #[command(
        after_help = "Nothing that is there is changed. Afterwards `cargo mcp update` keeps it up to date.\n\n\
                      Example:\n  cargo mcp adopt --dry-run"
    )]
    Adopt(Adopt),
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
    /// List the languages, their questions and defaults; export and check templates
    #[command(after_help = "Example:\n  cargo mcp templates --format json")]
    Templates(Templates),
    /// Bring a repository up to the newest template, and keep what you changed
    #[command(
        after_help = "Exit code 1: conflicts are yours to resolve, or --check found something to do.\n\n\
                      Example:\n  cargo mcp update --dry-run"
    )]
    Update(Update),
}

impl Cli {
    /// The format that the subcommand was asked to print in.
    pub const fn format(&self) -> Format {
        match &self.command {
            Command::Adopt(arguments) => arguments.format,
            Command::Completions(_) => Format::Human,
            Command::Contract(command) => command.format(),
            Command::New(arguments) => arguments.format,
            Command::Templates(arguments) => arguments.format(),
            Command::Update(arguments) => arguments.format,
        }
    }
}
