//! The only writer to stdout and stderr: results on stdout, the rest on stderr; text or JSON.
//!
//! A reader that closes its end early (`| head`) is no error, colour is for terminals alone, and no text
//! from outside reaches a terminal with its control characters.

use std::fmt::Display;
use std::io::{self, Write};

use console::Style;
use serde::Serialize;

use crate::error::{Code, Error, Result};

/// How results and errors are written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
pub enum Format {
    /// Text for people.
    #[default]
    Human,
    /// One JSON object for programs.
    Json,
}

/// The result of a command, in both formats.
pub trait Report: Serialize {
    /// The text for people, lines ending in a newline.
    fn human(&self, paint: Paint) -> String;
}

/// Colours text, or leaves it as it is.
#[derive(Clone, Copy, Debug)]
pub struct Paint {
    coloured: bool,
}

impl Paint {
    /// Paints nothing.
    pub const PLAIN: Self = Self { coloured: false };

    /// Text that matters.
    pub fn bold(self, text: impl Display) -> String {
        self.apply(&Style::new().bold(), text)
    }

    /// Text that can be passed over.
    pub fn dim(self, text: impl Display) -> String {
        self.apply(&Style::new().dim(), text)
    }

    /// Good news.
    pub fn good(self, text: impl Display) -> String {
        self.apply(&Style::new().green().bold(), text)
    }

    /// Something to look at.
    pub fn warning(self, text: impl Display) -> String {
        self.apply(&Style::new().yellow().bold(), text)
    }

    /// Bad news.
    pub fn bad(self, text: impl Display) -> String {
        self.apply(&Style::new().red().bold(), text)
    }

    fn apply(self, style: &Style, text: impl Display) -> String {
        style.clone().force_styling(self.coloured).apply_to(plain(&text.to_string())).to_string()
    }
}

/// Where a command's results, warnings and errors go.
#[derive(Clone, Copy, Debug)]
pub struct Ui {
    format: Format,
}

impl Ui {
    /// A user interface that writes in `format`.
    pub const fn new(format: Format) -> Self {
        Self { format }
    }

    /// Writes the result of a command to stdout.
    ///
    /// # Errors
    /// When stdout cannot be written to for any reason but a closed pipe.
    pub fn report(&self, report: &impl Report) -> Result<()> {
        match self.format {
            Format::Human => self.text(&report.human(Paint { coloured: console::colors_enabled() })),
            Format::Json => self.text(&json(report)),
        }
    }

    /// Writes text that is the result itself, whatever the format, to stdout.
    ///
    /// # Errors
    /// When stdout cannot be written to for any reason but a closed pipe.
    pub fn text(&self, text: &str) -> Result<()> {
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Error::new(Code::Io, format!("cannot write to standard output: {error}")))
            }
            _ => Ok(()),
        }
    }

    /// Warns on stderr; the command goes on.
    pub fn warn(&self, message: impl Display) {
        let message = message.to_string();
        match self.format {
            Format::Human => stderr(&format!("{}: {}\n", Self::paint().warning("warning"), plain(&message))),
            Format::Json => stderr(&json(&serde_json::json!({ "warning": message }))),
        }
    }

    /// Says on a terminal how far a long command has come.
    pub fn progress(&self, done: usize, all: usize, what: impl Display) {
        if self.format == Format::Human && console::user_attended_stderr() {
            stderr(&format!("[{done}/{all}] {}\n", plain(&what.to_string())));
        }
    }

    /// Says on stderr why the command stopped.
    pub fn error(&self, error: &Error) {
        if self.format == Format::Json {
            return stderr(&json(&serde_json::json!({ "error": error })));
        }
        let paint = Self::paint();
        let mut text = format!("{}: {}\n", paint.bad("error"), plain(&error.message));
        if let Some(hint) = &error.hint {
            text += &format!("{}: {}\n", paint.bold("hint"), plain(hint));
        }
        stderr(&text);
    }

    fn paint() -> Paint {
        Paint { coloured: console::colors_enabled_stderr() }
    }
}

/// Prints what clap has to say: help and versions to stdout, usage errors to stderr, in its own colours.
pub fn clap_text(stop: &clap::Error) {
    let _ = stop.print();
}

/// `text` with each control character but the newline in an escaped form, fit for a terminal.
pub fn plain(text: &str) -> String {
    let unsafe_here = |c: char| c.is_control() && c != '\n';
    if !text.contains(unsafe_here) {
        return text.to_owned();
    }
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        if unsafe_here(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
        out
    })
}

/// One object on one line: what a program reads line by line.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default() + "\n"
}

/// Nobody can be told when stderr itself is gone, so its errors are dropped.
fn stderr(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
