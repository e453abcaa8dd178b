//! `cargo mcp` writes complete, production-ready MCP server repositories.
//!
//! The map of the house, from the terminal inwards. A room knows only those that are listed below it, which
//! `tests/it/imports.rs` holds:
//!
//! - [`commands`] turn what [`cli`] says can be typed into a request, ask what is missing, and report;
//! - [`report`] says how results look, [`ui`] is the only writer to the terminal;
//! - [`ops`] hold one use case a file, know neither clap nor the terminal, and give a report, and a plan if they
//!   change things;
//! - [`finding`] is what an op found, and how grave it is;
//! - [`repo`] is a repository that was generated: what it records of itself, and what is on the disk;
//! - [`client`] asks a server for its contracts, which [`mcp_contract`] compares;
//! - [`template`] makes a [`tree`] from answers: pure, and a language is data;
//! - [`mod@write`] carries out a [`plan`], whole or not at all; nothing else changes a disk;
//! - [`git`] runs git, [`read`] makes a [`tree`] of a disk, [`merge`] joins two changes of one file;
//! - [`text`] makes text harmless where it lands, [`path`] refuses what could leave a repository;
//! - [`error`] is why a command stopped, [`exit`] what the system is told, [`interrupt`] hears Ctrl-C.

pub mod cli;
#[expect(clippy::disallowed_methods, reason = "a server that is asked is a process")]
pub mod client;
pub mod commands;
pub mod error;
pub mod exit;
pub mod finding;
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
