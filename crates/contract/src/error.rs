//! Why a document is no contract.

use std::fmt;

/// What reading contracts returns.
pub type Result<T> = std::result::Result<T, Error>;

/// A document that is no contract, or not only one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Error {
    /// What is wrong, in one line that starts in lower case.
    pub message: String,
    /// What to give instead.
    pub hint: Option<&'static str>,
}

impl Error {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    pub(crate) fn hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
