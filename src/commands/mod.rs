//! One file a subcommand: arguments → request → op → report. The only place that asks the user anything.

pub mod completions;
pub mod contract;
mod contract_report;
pub mod new;
mod prompt;
pub mod templates;

use crate::cli::Command;
use crate::error::Result;
use crate::exit::Exit;
use crate::ui::Ui;

/// Runs a subcommand.
///
/// # Errors
/// Whatever stops it.
pub fn run(command: Command, ui: &Ui) -> Result<Exit> {
    match command {
        Command::Completions(arguments) => completions::run(&arguments, ui),
        Command::Contract(command) => contract::run(command, ui),
        Command::New(arguments) => new::run(&arguments, ui),
        Command::Templates(_) => templates::run(ui),
    }
}
