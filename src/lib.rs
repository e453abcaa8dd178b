//! `cargo mcp` writes complete, production-ready MCP server repositories.
//!
//! The map of the house, from the terminal inwards; a layer knows only those below it:
//!
//! - [`cli`] says what can be typed, [`commands`] turns it into a request, asks what is missing and reports;
//! - [`ui`] is the only writer to the terminal, [`error`] is what it says when a command stops;
//! - [`ops`] holds one use case a file and knows neither clap nor the terminal;
//! - [`template`] makes a [`tree`] from answers, [`manifest`] and [`base`] record what was made;
//! - [`mcp_contract`] compares contracts, [`client`] asks a server for them, [`report`] prints what changed;
//! - [`plan`] says what will change, [`mod@write`] changes the disk, [`git`] runs git.

pub mod base;
pub mod cli;
pub mod client;
pub mod commands;
pub mod error;
pub mod git;
pub mod manifest;
pub mod ops;
pub mod path;
pub mod plan;
pub mod report;
pub mod template;
pub mod tree;
pub mod ui;
pub mod write;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::Cli;
use crate::error::{Code, Error};
use crate::ui::{Format, Ui};

/// What a finished command tells the system; an error is exit code 2, as clap's usage errors are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exit {
    /// All was done and nothing was found: exit code 0.
    Done,
    /// Findings, conflicts or breaking changes: exit code 1.
    Findings,
}

/// Exit code after Ctrl-C at a prompt, as a shell reports it.
pub const INTERRUPTED: u8 = 130;
const FAILED: u8 = 2;

/// Runs the command line `arguments`, the program's name first.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments = cli::normalise(arguments);
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(stop) => return usage(&stop, &arguments),
    };
    let ui = Ui::new(cli.format());
    match commands::run(cli.command, &ui) {
        Ok(Exit::Done) => ExitCode::SUCCESS,
        Ok(Exit::Findings) => ExitCode::FAILURE,
        Err(error) => fail(&ui, &error),
    }
}

fn fail(ui: &Ui, error: &Error) -> ExitCode {
    ui.error(error);
    ExitCode::from(if error.code == Code::Interrupted { INTERRUPTED } else { FAILED })
}

/// Help and versions go to stdout; a usage error is an error like any other when JSON was asked for.
fn usage(stop: &clap::Error, arguments: &[OsString]) -> ExitCode {
    if stop.use_stderr() && cli::wants_json(arguments) {
        return fail(&Ui::new(Format::Json), &cli::usage_error(stop));
    }
    ui::clap_text(stop);
    ExitCode::from(if stop.use_stderr() { FAILED } else { 0 })
}
