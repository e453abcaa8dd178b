//! What can be typed: clap's types and nothing else. Parsing never does anything.

mod contract;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use self::contract::{
    Contract, ContractCheck, ContractDiff, ContractExport, ContractFormat, ContractServer, Patience,
};
use crate::error::{Code, Error};
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

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell to complete in
    pub shell: clap_complete::Shell,
}

/// Arguments of `new`.
#[derive(Debug, Args)]
pub struct New {
    /// Where to write: a folder that does not exist or is empty [default: ./NAME]
    pub path: Option<PathBuf>,
    /// Language of the server; `cargo mcp templates` lists them
    #[arg(long, value_name = "LANGUAGE")]
    pub lang: Option<String>,
    /// Name of the server, like my-server [default: the last part of PATH]
    #[arg(long)]
    pub name: Option<String>,
    /// What the server does, in a sentence
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// Who holds the copyright [default: git's user.name]
    #[arg(long)]
    pub author: Option<String>,
    /// Licence of the server: MIT, Apache-2.0 or none
    #[arg(long)]
    pub license: Option<String>,
    /// Version control [default: git, or none inside a repository]
    #[arg(long)]
    pub vcs: Option<Vcs>,
    /// Take answers from a TOML file
    #[arg(long, value_name = "FILE.toml")]
    pub answers: Option<PathBuf>,
    /// Answer one question, over the answers file; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Ask nothing: take the default of what is not given
    #[arg(long, short)]
    pub yes: bool,
    /// Print what would be written, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Arguments of `templates`.
#[derive(Debug, Args)]
pub struct Templates {
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// The version control a new repository starts with.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Vcs {
    /// `git init`, branch `main`
    Git,
    /// None
    None,
}

impl Cli {
    /// The format that the subcommand was asked to print in.
    #[must_use]
    pub const fn format(&self) -> Format {
        match &self.command {
            Command::Completions(_) => Format::Human,
            Command::Contract(command) => command.format(),
            Command::New(arguments) => arguments.format,
            Command::Templates(arguments) => arguments.format,
        }
    }
}

/// Cargo starts `cargo mcp new` as `cargo-mcp mcp new`: drops that `mcp`, so that both ways are one.
#[must_use]
pub fn normalise(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    arguments
        .enumerate()
        .filter(|(place, word)| !(*place == 1 && word == "mcp"))
        .map(|(_, word)| word)
        .collect()
}

/// Whether a command line that did not parse asked for JSON.
#[must_use]
pub fn wants_json(arguments: &[OsString]) -> bool {
    arguments.iter().any(|word| word == "--format=json")
        || arguments.windows(2).any(|pair| pair[0] == "--format" && pair[1] == "json")
}

/// Clap's first line as an error of this program.
#[must_use]
pub fn usage_error(stop: &clap::Error) -> Error {
    let text = stop.to_string();
    let message = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ").trim();
    Error::new(Code::Usage, message).hint("see cargo mcp --help")
}
