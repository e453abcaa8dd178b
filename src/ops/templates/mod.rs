//! What can be generated: the languages and what is asked for each.

pub mod check;
pub mod export;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::error::Result;
use crate::template::answers::{LANGUAGE, NAME};
use crate::template::engine::Engine;
use crate::template::{Library, Template};

/// Stands in for the server's name in defaults.
const EXAMPLE: &str = "my-server";

/// A language, as it is listed.
#[derive(Debug, Serialize)]
pub struct Listed {
    /// What `--lang` takes.
    pub language: String,
    /// The language as people write it.
    pub title: String,
    /// The version of its template.
    pub version: String,
    /// The language in a line.
    pub summary: String,
    /// Whether it is taken when none is given.
    pub default: bool,
    /// What can be answered.
    pub questions: Vec<Asked>,
}

/// A question, as it is listed.
#[derive(Debug, Serialize)]
pub struct Asked {
    /// The key in answer files and for `--set`.
    pub key: String,
    /// What the answer is for.
    pub help: String,
    /// The answer when none is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// The possible answers, when they are few.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
}

/// Every language, the default first.
pub fn list(library: &Library) -> Result<Vec<Listed>> {
    let all = library.all()?;
    let languages: Vec<_> = all.iter().map(|template| template.language.clone()).collect();
    all.iter().enumerate().map(|(place, template)| listed(template, place == 0, &languages)).collect()
}

fn listed(template: &Template, default: bool, languages: &[String]) -> Result<Listed> {
    let mut questions = vec![
        Asked {
            key: NAME.to_owned(),
            help: "the server's name: lower-case words joined by hyphens".to_owned(),
            default: None,
            choices: Vec::new(),
        },
        Asked {
            key: LANGUAGE.to_owned(),
            help: "the language it is written in".to_owned(),
            default: languages.first().cloned(),
            choices: languages.to_owned(),
        },
    ];
    let engine = Engine::answered(template, EXAMPLE, &BTreeMap::new())?;
    for question in template.questions() {
        questions.push(Asked {
            key: question.key.clone(),
            help: question.help.clone(),
            default: Some(engine.default_answer(question)?),
            choices: question.choices(),
        });
    }
    let header = &template.spec.template;
    Ok(Listed {
        language: template.language.clone(),
        title: template.facts.title.clone(),
        version: header.version.clone(),
        summary: header.summary.clone(),
        default,
        questions,
    })
}
