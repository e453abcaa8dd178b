//! Answers: what makes one server's repository differ from another's. Checked once, then trusted.

use std::collections::BTreeMap;

use crate::error::{Code, Error, Result};
use crate::template::Template;
use crate::template::engine::Engine;
use crate::template::question::{self, Question};
use crate::text::nearest;

/// The key of the server's name.
pub const NAME: &str = "name";
/// The key of the language, which chooses the template.
pub const LANGUAGE: &str = "language";

/// Answers as they were given, by key: incomplete and unchecked.
pub type Given = BTreeMap<String, String>;

/// A complete and checked set of answers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answers {
    /// The server's name.
    pub name: String,
    /// The answers to the template's questions, by key.
    pub values: BTreeMap<String, String>,
}

impl Answers {
    /// Checks what was given and fills the rest with defaults.
    ///
    /// # Errors
    /// When an answer is impossible, or is to a question that is not asked.
    pub fn complete(template: &Template, given: &Given) -> Result<Self> {
        Self::over(template, given, &Given::new())
    }

    /// The same, but answers of an earlier time come before defaults, where their questions are still asked.
    ///
    /// # Errors
    /// As for `complete`.
    pub fn over(template: &Template, given: &Given, earlier: &Given) -> Result<Self> {
        check_keys(template, given)?;
        let name = given.get(NAME).or(earlier.get(NAME)).cloned().unwrap_or_default();
        template.check_name(&name)?;
        let mut values = BTreeMap::new();
        for question in template.questions() {
            let engine = Engine::answered(template, &name, &values)?;
            let answer = |from: &Given| from.get(&question.key).map(|answer| answer.trim().to_owned());
            let given = answer(given).filter(|answer| !answer.is_empty());
            let asked = engine.asks(question)?;
            if given.is_some() && !asked {
                return Err(not_asked(question));
            }
            let answer = match given.or_else(|| answer(earlier).filter(|_| asked)) {
                Some(answer) if !answer.is_empty() => answer,
                _ => engine.default_answer(question)?,
            };
            let answer = if answer.is_empty() { answer } else { question.check(&answer)? };
            values.insert(question.key.clone(), answer);
        }
        Ok(Self { name, values })
    }
}

fn not_asked(question: &Question) -> Error {
    let condition = question.when.as_deref().unwrap_or_default();
    let message = format!("{}: there is nothing to answer unless {condition}", question.key);
    Error::new(Code::AnswerInvalid, message).hint("leave the answer out, or change the one it depends on")
}

/// Reads the text of an answers file: a flat TOML table.
pub fn parse(text: &str) -> Result<Given> {
    let table: toml::Table = toml::from_str(text).map_err(|error| {
        let place = error.span().map_or(String::new(), |span| {
            format!("line {}: ", text.get(..span.start).unwrap_or_default().matches('\n').count() + 1)
        });
        Error::new(Code::AnswersFile, format!("{place}{}", error.message()))
    })?;
    let answer = |(key, value)| match question::text(value) {
        Ok(text) => Ok((key, text)),
        Err(found) => {
            let message = format!("{key}: expected a string, a whole number, true or false, found {found}");
            Err(Error::new(Code::AnswersFile, message))
        }
    };
    table.into_iter().map(answer).collect()
}

fn check_keys(template: &Template, given: &Given) -> Result<()> {
    let known: Vec<&str> = [NAME, LANGUAGE]
        .into_iter()
        .chain(template.questions().map(|question| question.key.as_str()))
        .collect();
    let Some(unknown) = given.keys().find(|key| !known.contains(&key.as_str())) else { return Ok(()) };
    let error = Error::new(Code::AnswerInvalid, format!("there is no question {unknown:?}"));
    Err(match nearest(unknown, known.iter().copied()) {
        Some(near) => error.hint(format!("did you mean {near}?")),
        None => error.hint(format!("the questions are {}", known.join(", "))),
    })
}
