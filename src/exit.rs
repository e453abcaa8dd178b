//! What the program tells the system that started it.

use std::process::ExitCode;

use crate::error::{Code, Error};

/// What a finished command found; an error is exit code 2, as clap's usage errors are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exit {
    /// All was done and nothing was found: exit code 0.
    Done,
    /// Findings, conflicts or breaking changes: exit code 1.
    Findings,
}

const FAILED: u8 = 2;
/// After Ctrl-C at a prompt, as a shell reports it.
const INTERRUPTED: u8 = 130;

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Done => Self::SUCCESS,
            Exit::Findings => Self::FAILURE,
        }
    }
}

/// The exit code of a command that `error` stopped.
pub fn stopped_by(error: &Error) -> ExitCode {
    ExitCode::from(if error.code == Code::Interrupted { INTERRUPTED } else { FAILED })
}
