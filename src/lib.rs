//! `cargo mcp` writes complete, production-ready MCP server repositories.
//!
//! The map of the house, from the terminal inwards; a layer knows only those below it:
//!
//! - [`cli`] says what can be typed, [`commands`] turns it into a request, asks what is missing and reports;
//! - [`text`] makes text harmless where it lands;
//! - [`ui`] is the only writer to the terminal, [`error`] is what it says when a command stops;
//! - [`ops`] holds one use case a file and knows neither clap nor the terminal;
//! - [`template`] makes a [`tree`] from answers, [`repo`] is a repository that was made, with what it records;
//! - [`mcp_contract`] compares contracts, [`client`] asks a server for them, [`report`] prints what changed;
//! - [`merge`] joins what a user and a template each did to a file;
//! - [`read`] makes a [`tree`] of a disk, [`plan`] says what will change on it, [`mod@write`] changes it, [`git`] runs git.

pub mod cli;
#[expect(clippy::disallowed_methods, reason = "a server that is asked is a process")]
pub mod client;
pub mod commands;
pub mod error;
pub mod exit;
#[expect(clippy::disallowed_methods, reason = "git is a process")]
pub mod git;
pub mod interrupt;
pub mod merge;
pub mod ops;
pub mod path;
pub mod plan;
pub mod read;
pub mod repo;
pub mod report;
pub mod template;
pub mod text;
pub mod tree;
#[expect(clippy::disallowed_methods, reason = "here the terminal is written to")]
pub mod ui;
pub mod write;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::Cli;
use crate::error::Error;
use crate::ui::{Format, Ui};

/// Runs the command line `arguments`, the program's name first.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments = cli::line::normalise(arguments);
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(stop) => return usage(&stop, &arguments),
    };
    let ui = Ui::new(cli.format());
    commands::run(cli.command, Path::new("."), &ui).map_or_else(|error| fail(&ui, &error), ExitCode::from)
}

fn fail(ui: &Ui, error: &Error) -> ExitCode {
    ui.error(error);
    exit::stopped_by(error)
}

/// Help and versions go to stdout; a usage error is an error like any other when JSON was asked for.
fn usage(stop: &clap::Error, arguments: &[OsString]) -> ExitCode {
    let error = cli::line::usage_error(stop);
    if stop.use_stderr() && cli::line::wants_json(arguments) {
        return fail(&Ui::new(Format::Json), &error);
    }
    ui::clap_text(stop);
    if stop.use_stderr() { exit::stopped_by(&error) } else { ExitCode::SUCCESS }
}
