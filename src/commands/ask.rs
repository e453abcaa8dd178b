//! Asks for the answers that were not given.

use crate::commands::prompt::Prompt;
use crate::error::Result;
use crate::template::answers::{self, Given, NAME};
use crate::template::engine::Engine;
use crate::template::spec::Question;
use crate::template::{Library, Template};
use crate::text::name;

/// Asks for what is missing, and for a name that can be used if the path does not give one.
pub fn all(
    prompt: &Prompt,
    library: &Library,
    language: Option<&str>,
    given: &mut Given,
    has_path: bool,
) -> Result<Template> {
    let named = given.contains_key(NAME);
    if !named {
        given.insert(NAME.to_owned(), server_name(prompt, None, name::check)?);
    }
    let template = match language {
        Some(language) => library.named(language)?,
        None => choose(prompt, library)?,
    };
    let name = given.get(NAME).cloned().unwrap_or_default();
    if (has_path || !named) && template.check_name(&name).is_err() {
        let suggestion = template.suggest_name(&name)?;
        let name = server_name(prompt, Some(suggestion), |name| template.check_name(name))?;
        given.insert(NAME.to_owned(), name);
    }
    for question in template.questions() {
        if let (Some(text), false) = (&question.prompt, given.contains_key(&question.key)) {
            let name = given.get(NAME).map_or("", String::as_str);
            let default = Engine::default_answer(&template, question, name)?;
            given.insert(question.key.clone(), answer(prompt, question, text, default)?);
        }
    }
    Ok(template)
}

fn choose(prompt: &Prompt, library: &Library) -> Result<Template> {
    let mut all = library.all()?;
    if all.len() < 2 {
        return library.default();
    }
    let lines: Vec<_> = all.iter().map(Template::line).collect();
    Ok(all.swap_remove(prompt.choice("Language", &lines, 0)?))
}

fn server_name(
    prompt: &Prompt,
    default: Option<String>,
    check: impl Fn(&str) -> Result<()>,
) -> Result<String> {
    prompt.text("Name of the server, like my-server", default, check)
}

fn answer(prompt: &Prompt, question: &Question, text: &str, default: String) -> Result<String> {
    if question.choices.is_empty() {
        return prompt.text(text, Some(default), |answer| answers::check(question, answer).map(drop));
    }
    let index = question.choices.iter().position(|choice| *choice == default).unwrap_or_default();
    let index = prompt.choice(text, &question.choices, index)?;
    Ok(question.choices.get(index).cloned().unwrap_or(default))
}
