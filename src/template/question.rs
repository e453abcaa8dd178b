//! A question: what is asked, and which answers it takes.

use regex::Regex;
use serde::de::{self, Unexpected};
use serde::{Deserialize, Deserializer};

use crate::error::{Code, Error, Result};

/// Something to ask the user.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The name of the answer, in templates and in answer files.
    pub key: String,
    /// What is asked on a terminal; without it the question is never asked.
    #[serde(default)]
    pub prompt: Option<String>,
    /// What an answer is, in templates.
    #[serde(default, rename = "type")]
    pub kind: Kind,
    /// The answer when none is given; may name `name` and `package`.
    #[serde(deserialize_with = "scalar")]
    pub default: String,
    /// The possible answers; none means any text.
    #[serde(default)]
    pub choices: Vec<String>,
    /// What an answer has to match from its beginning to its end.
    #[serde(default)]
    pub pattern: Option<Pattern>,
    /// A condition on the answers before; where it does not hold, the answer is the default.
    #[serde(default)]
    pub when: Option<String>,
    /// What the answer is for.
    pub help: String,
}

/// What an answer is.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A line of text.
    #[default]
    Text,
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer,
}

/// A regular expression for a whole answer.
#[derive(Clone, Debug)]
pub struct Pattern {
    written: String,
    whole: Regex,
}

impl Question {
    /// The possible answers, when they are few.
    pub fn choices(&self) -> Vec<String> {
        match self.kind {
            Kind::Boolean => ["true", "false"].map(str::to_owned).into(),
            Kind::Text | Kind::Integer => self.choices.clone(),
        }
    }

    /// Checks an answer, and gives it as it will be used.
    ///
    /// # Errors
    /// When it is none of the choices, not of the type, does not match the pattern, or is more than a line.
    pub fn check(&self, answer: &str) -> Result<String> {
        let refused = |reason, hint: String| {
            Err(Error::new(Code::AnswerInvalid, format!("{}: {reason}", self.key)).hint(hint))
        };
        if let Some(c) = answer.chars().find(|c| c.is_control()) {
            let reason = format!("holds the control character U+{:04X}", u32::from(c));
            return refused(reason, "any text on one line is fine".to_owned());
        }
        let choices = self.choices();
        if !choices.is_empty() {
            return match choices.iter().find(|choice| choice.eq_ignore_ascii_case(answer)) {
                Some(choice) => Ok(choice.clone()),
                None => refused(
                    format!("{answer:?} is not a choice"),
                    format!("choose one of {}", choices.join(", ")),
                ),
            };
        }
        if self.kind == Kind::Integer && answer.parse::<i64>().is_err() {
            return refused(format!("{answer:?} is no whole number"), "give digits, like 42".to_owned());
        }
        match &self.pattern {
            Some(pattern) if !pattern.whole.is_match(answer) => {
                refused(format!("{answer:?} does not match {}", pattern.written), self.help.clone())
            }
            _ => Ok(answer.to_owned()),
        }
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = String::deserialize(deserializer)?;
        let whole = Regex::new(&format!("^(?:{written})$"))
            .map_err(|_| de::Error::invalid_value(Unexpected::Str(&written), &"a regular expression"))?;
        Ok(Self { written, whole })
    }
}

/// A text, a whole number or a truth, as text.
fn scalar<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    text(toml::Value::deserialize(deserializer)?).map_err(|found| {
        de::Error::invalid_type(Unexpected::Other(found), &"a string, a whole number, true or false")
    })
}

/// A TOML value that can be an answer, as text; else the name of its type.
pub fn text(value: toml::Value) -> Result<String, &'static str> {
    match value {
        toml::Value::String(text) => Ok(text),
        toml::Value::Integer(number) => Ok(number.to_string()),
        toml::Value::Boolean(truth) => Ok(truth.to_string()),
        other => Err(other.type_str()),
    }
}
