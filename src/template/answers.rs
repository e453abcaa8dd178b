//! Answers: what makes one server's repository differ from another's. Checked once, then trusted.

use std::collections::BTreeMap;

use crate::error::{Code, Error, Result};
use crate::template::Template;
use crate::template::engine::Engine;
use crate::template::spec::Question;
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
    pub fn complete(template: &Template, given: &Given) -> Result<Self> {
        check_keys(template, given)?;
        let name = given.get(NAME).cloned().unwrap_or_default();
        template.check_name(&name)?;
        let mut values = BTreeMap::new();
        for question in template.questions() {
            let answer = match given.get(&question.key).map(|answer| answer.trim()) {
                Some(answer) if !answer.is_empty() => check(question, answer)?,
                _ => Engine::default_answer(template, question, &name)?,
            };
            values.insert(question.key.clone(), answer);
        }
        Ok(Self { name, values })
    }
}

/// Reads the text of an answers file: a flat TOML table of strings.
pub fn parse(text: &str) -> Result<Given> {
    let table: toml::Table = toml::from_str(text).map_err(|error| {
        let place = error.span().map_or(String::new(), |span| {
            format!("line {}: ", text.get(..span.start).unwrap_or_default().matches('\n').count() + 1)
        });
        Error::new(Code::AnswersFile, format!("{place}{}", error.message()))
    })?;
    let string = |(key, value)| match value {
        toml::Value::String(text) => Ok((key, text)),
        other => Err(Error::new(
            Code::AnswersFile,
            format!("{key}: expected a string, found {}", other.type_str()),
        )),
    };
    table.into_iter().map(string).collect()
}

/// Checks one answer, and gives it as it will be used.
pub fn check(question: &Question, answer: &str) -> Result<String> {
    let error = |message| Error::new(Code::AnswerInvalid, message);
    if let Some(marks) = &question.marks {
        let strange = answer.chars().find(|c| !c.is_ascii_alphanumeric() && !marks.contains(*c));
        return match strange {
            None => Ok(answer.to_owned()),
            Some(c) => Err(error(format!("{}: holds {c:?}", question.key))
                .hint(format!("letters, digits and {marks} are fine"))),
        };
    }
    if question.choices.is_empty() {
        return match answer.chars().find(|c| c.is_control()) {
            None => Ok(answer.to_owned()),
            Some(c) => {
                Err(error(format!("{}: holds the control character U+{:04X}", question.key, u32::from(c)))
                    .hint("any text on one line is fine"))
            }
        };
    }
    let choice = question.choices.iter().find(|choice| choice.eq_ignore_ascii_case(answer));
    choice.cloned().ok_or_else(|| {
        error(format!("{}: {answer:?} is not a choice", question.key))
            .hint(format!("choose one of {}", question.choices.join(", ")))
    })
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
