//! One file a subcommand: arguments → request → op → report. The only place that asks the user anything.

pub mod adopt;
mod ask;
pub mod completions;
pub mod contract;
mod contract_report;
mod given;
pub mod new;
mod prompt;
pub mod templates;
pub mod update;

use std::path::{Path, PathBuf};

use crate::cli::Command;
use crate::error::Result;
use crate::exit::Exit;
use crate::ui::Ui;

/// Runs a subcommand in the folder `here`.
pub fn run(command: Command, here: &Path, ui: &Ui) -> Result<Exit> {
    match command {
        Command::Adopt(arguments) => adopt::run(&arguments, here, ui),
        Command::Completions(arguments) => completions::run(&arguments, ui),
        Command::Contract(command) => contract::run(command, here, ui),
        Command::New(arguments) => new::run(&arguments, here, ui),
        Command::Templates(arguments) => templates::run(&arguments, here, ui),
        Command::Update(arguments) => update::run(&arguments, here, ui),
    }
}

/// What `path` means to someone in the folder `here`, as short as it was written.
fn at(here: &Path, path: &Path) -> PathBuf {
    if here == Path::new(".") { path.to_owned() } else { here.join(path) }
}
