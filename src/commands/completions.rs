//! `cargo mcp completions`: a script that completes `cargo-mcp …` in a shell.

use clap::CommandFactory as _;

use crate::cli::{Cli, Completions};
use crate::error::Result;
use crate::exit::Exit;
use crate::ui::Ui;

/// Prints the script.
pub fn run(arguments: &Completions, ui: &Ui) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "cargo-mcp", &mut script);
    ui.text(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
