//! Asks for the answers that were not given.

use crate::commands::prompt::Prompt;
use crate::error::Result;
use crate::template::answers::{Given, NAME};
use crate::template::engine::Engine;
use crate::template::question::Question;
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
    questions(prompt, &template, given)?;
    Ok(template)
}

/// Asks what depends on no answer, or on one that asks for it.
fn questions(prompt: &Prompt, template: &Template, given: &mut Given) -> Result<()> {
    let name = given.get(NAME).cloned().unwrap_or_default();
    let mut before = Given::new();
    for question in template.questions() {
        let engine = Engine::answered(template, &name, &before)?;
        let default = engine.default_answer(question)?;
        if let (Some(text), false) = (&question.prompt, given.contains_key(&question.key))
            && engine.asks(question)?
        {
            given.insert(question.key.clone(), answer(prompt, question, text, default.clone())?);
        }
        let known = given.get(&question.key).map_or(Ok(default), |answer| question.check(answer))?;
        before.insert(question.key.clone(), known);
    }
    Ok(())
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
    let choices = question.choices();
    if choices.is_empty() {
        return prompt.text(text, Some(default), |answer| question.check(answer).map(drop));
    }
    let index = choices.iter().position(|choice| *choice == default).unwrap_or_default();
    let index = prompt.choice(text, &choices, index)?;
    Ok(choices.get(index).cloned().unwrap_or(default))
}
