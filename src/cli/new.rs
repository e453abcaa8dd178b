//! `cargo mcp new`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::ui::Format;

/// Arguments of `new`.
#[derive(Debug, Args)]
pub struct New {
    /// Where to write: a folder that does not exist or is empty [default: ./NAME]
    pub path: Option<PathBuf>,
    /// Language of the server; `cargo mcp templates` lists them
    #[arg(long, value_name = "LANGUAGE")]
    pub lang: Option<String>,
    /// Use a template of your own: a folder, or the address of a git repository
    #[arg(long, value_name = "DIR|URL")]
    pub template: Option<String>,
    /// Branch, tag or commit of a template that is a git repository [default: HEAD]
    #[arg(long = "ref", value_name = "REF", requires = "template")]
    pub reference: Option<String>,
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

/// The version control a new repository starts with.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Vcs {
    /// `git init`, branch `main`
    Git,
    /// None
    None,
}
