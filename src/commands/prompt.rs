//! Questions on a terminal. Nothing is asked without one, and Ctrl-C at a question ends the command.

use std::io::{self, IsTerminal as _};

use console::Term;
use dialoguer::theme::{ColorfulTheme, SimpleTheme, Theme};
use dialoguer::{Input, Select};

use crate::error::{Code, Error, Result};
use crate::interrupt;

/// Someone who can be asked.
pub struct Prompt {
    theme: Box<dyn Theme>,
    term: Term,
}

impl Prompt {
    /// The user, when there is a terminal to ask on.
    pub fn on_terminal() -> Option<Self> {
        let term = Term::stderr();
        if !io::stdin().is_terminal() || !term.is_term() || !interrupt::listen() {
            return None;
        }
        let theme: Box<dyn Theme> = if console::colors_enabled_stderr() {
            Box::new(ColorfulTheme::default())
        } else {
            Box::new(SimpleTheme)
        };
        Some(Self { theme, term })
    }

    /// Asks for a line of text until `check` accepts it.
    ///
    /// # Errors
    /// When the user stops or the terminal goes away.
    pub fn text(
        &self,
        question: &str,
        default: Option<String>,
        check: impl Fn(&str) -> Result<()>,
    ) -> Result<String> {
        let input =
            Input::<String>::with_theme(&*self.theme).with_prompt(question).validate_with(|text: &String| {
                check(text.trim()).map_err(|error| match error.hint {
                    Some(hint) => format!("{}; {hint}", error.message),
                    None => error.message,
                })
            });
        let input = match default {
            Some(default) => input.default(default),
            None => input,
        };
        self.finish(input.interact_text_on(&self.term)).map(|text| text.trim().to_owned())
    }

    /// Lets the user choose among `items`, and gives the place of the choice.
    ///
    /// # Errors
    /// When the user stops or the terminal goes away.
    pub fn choice(&self, question: &str, items: &[String], default: usize) -> Result<usize> {
        let select = Select::with_theme(&*self.theme).with_prompt(question).items(items).default(default);
        self.finish(select.interact_on(&self.term))
    }

    fn finish<T>(&self, answer: dialoguer::Result<T>) -> Result<T> {
        let stopped = || Error::new(Code::Interrupted, "stopped; nothing was written");
        match answer {
            Ok(answer) if !interrupt::heard() => Ok(answer),
            answer => {
                let _ = self.term.show_cursor();
                let _ = self.term.write_line("");
                match answer {
                    Err(dialoguer::Error::IO(error)) if error.kind() != io::ErrorKind::Interrupted => {
                        Err(Error::new(Code::Io, format!("cannot ask on the terminal: {error}")))
                    }
                    _ => Err(stopped()),
                }
            }
        }
    }
}
