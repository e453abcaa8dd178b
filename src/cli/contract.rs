//! What can be typed after `contract`.

use std::path::PathBuf;

use clap::builder::PossibleValue;
use clap::{Args, Subcommand, ValueEnum};

use crate::report;
use crate::ui::Format;

/// The subcommands of `contract`.
#[derive(Debug, Subcommand)]
pub enum Contract {
    /// Set the versions that the changes since the last release ask for
    #[command(after_help = "Example:\n  cargo mcp contract bump --dry-run")]
    Bump(ContractBump),
    /// Hold the committed contracts to the code and to the last release
    #[command(
        after_help = "Exit code 1: the code and contracts/ differ, or a version is too low.\n\nExample:\n  cargo mcp contract check --format markdown"
    )]
    Check(ContractCheck),
    /// Say what changed between two sets of contracts, and whom it hurts
    #[command(
        after_help = "OLD and NEW are each a folder of contracts, a JSON file with a contract or a tools/list result, \
                      a git revision with a path (v1.2.0:contracts), or a live server (https://… or cmd:COMMAND).\n\
                      Exit code 1: a change is breaking, or unknown and not acknowledged.\n\n\
                      Example:\n  cargo mcp contract diff v1.2.0:contracts contracts"
    )]
    Diff(ContractDiff),
    /// Write the contracts of a live server as files in normal form
    #[command(
        after_help = "Without --cmd and --url, the server of this repository is started with every tool switched on.\n\n\
                      Example:\n  cargo mcp contract export --url http://127.0.0.1:8000/mcp --out contracts"
    )]
    Export(ContractExport),
}

/// How a server is asked.
#[derive(Args, Debug)]
pub struct Patience {
    /// How long a server may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: u64,
    /// Show servers at an address the token in this file
    #[arg(long, value_name = "FILE")]
    pub bearer_file: Option<PathBuf>,
}

/// Which server to ask.
#[derive(Args, Debug)]
pub struct ContractServer {
    /// Start this command and ask it on its standard streams; words are split as in a shell
    #[arg(long, value_name = "COMMAND", conflicts_with = "url")]
    pub cmd: Option<String>,
    /// Ask the server at this endpoint
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// How it is asked.
    #[command(flatten)]
    pub patience: Patience,
}

/// Arguments of `contract export`.
#[derive(Args, Debug)]
pub struct ContractExport {
    /// Which server to ask.
    #[command(flatten)]
    pub server: ContractServer,
    /// Write one file a contract below this folder; without it, print one JSON document
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Arguments of `contract diff`.
#[derive(Args, Debug)]
pub struct ContractDiff {
    /// The contracts before
    pub old: String,
    /// The contracts after
    pub new: String,
    /// Let an unknown change pass: its rule, its pointer, or CONTRACT#POINTER; may be repeated
    #[arg(long, value_name = "RULE|POINTER")]
    pub acknowledge: Vec<String>,
    /// How it is asked.
    #[command(flatten)]
    pub patience: Patience,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub format: report::Format,
}

/// Arguments of `contract check`.
#[derive(Args, Debug)]
pub struct ContractCheck {
    /// What is held to what.
    #[command(flatten)]
    pub since: Since,
    /// Which server to ask.
    #[command(flatten)]
    pub server: ContractServer,
    /// Compare files only, and start no server
    #[arg(long, conflicts_with_all = ["cmd", "url"])]
    pub offline: bool,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub format: report::Format,
}

/// Arguments of `contract bump`.
#[derive(Args, Debug)]
pub struct ContractBump {
    /// What is held to what.
    #[command(flatten)]
    pub since: Since,
    /// Print what would be set, and set nothing
    #[arg(long)]
    pub dry_run: bool,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// A repository and its last release.
#[derive(Args, Debug)]
pub struct Since {
    /// The repository
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// The contracts of the last release, as for `diff` [default: contracts/baseline, else those of the last tag]
    #[arg(long, value_name = "OLD")]
    pub baseline: Option<String>,
    /// Let an unknown change pass: its rule, its pointer, or CONTRACT#POINTER; may be repeated
    #[arg(long, value_name = "RULE|POINTER")]
    pub acknowledge: Vec<String>,
}

impl ValueEnum for report::Format {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Human, Self::Json, Self::Markdown, Self::Sarif]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Human => PossibleValue::new("human").help("Text for people"),
            Self::Json => PossibleValue::new("json").help("One JSON object for programs"),
            Self::Markdown => PossibleValue::new("markdown").help("A comment for a pull request"),
            Self::Sarif => PossibleValue::new("sarif").help("Results for code scanning"),
        })
    }
}

impl Contract {
    /// How results and errors are written.
    pub(super) const fn format(&self) -> Format {
        let format = match self {
            Self::Export(arguments) => return arguments.format,
            Self::Bump(arguments) => return arguments.format,
            Self::Diff(arguments) => arguments.format,
            Self::Check(arguments) => arguments.format,
        };
        format.errors()
    }
}
