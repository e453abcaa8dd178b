//! (Template, Answers) → Tree. Pure: the same answers give the same bytes, and nothing outside is read.
//!
//! Only files of the chosen language whose condition holds are parsed, each once.

use std::borrow::Cow;

use crate::error::Result;
use crate::path::RepoPath;
use crate::template::Template;
use crate::template::answers::Answers;
use crate::template::engine::{Engine, broken};
use crate::template::spec::Policy;
use crate::tree::{File, Tree};

/// A rendered template.
#[derive(Debug)]
pub struct Rendered {
    /// The files.
    pub tree: Tree,
    /// The paths of the files that are the user's once written.
    pub seeds: Vec<RepoPath>,
}

/// Renders `template` with `answers`.
///
/// # Errors
/// When the template is broken; no answers that were checked can cause it.
pub fn render(template: &Template, answers: &Answers) -> Result<Rendered> {
    let mut engine = Engine::of(template, &answers.name, &answers.values)?;
    let sources = template.sources();
    engine.learn_parts(template, &sources)?;
    let mut rendered = Rendered { tree: Tree::new(), seeds: Vec::new() };
    for (source_path, source) in sources {
        let rules: Vec<_> = template.rules(source_path).collect();
        if let Some(condition) = rules.iter().find_map(|rule| rule.when.as_deref())
            && !engine.holds(condition, source_path)?
        {
            continue;
        }
        let path = RepoPath::new(engine.rename(template, source_path)?)?;
        let bytes = if source.rendered {
            let text = str::from_utf8(source.bytes).map_err(|error| broken(source_path, error))?;
            Cow::Owned(engine.text(source_path, text)?.into_bytes())
        } else {
            Cow::Borrowed(source.bytes)
        };
        if rules.iter().find_map(|rule| rule.policy) == Some(Policy::Seed) {
            rendered.seeds.push(path.clone());
        }
        let mode = rules.iter().find_map(|rule| rule.mode).unwrap_or_default();
        if rendered.tree.insert(path.clone(), File { bytes, mode }).is_some() {
            return Err(broken(source_path, format!("another file is also called {path}")));
        }
    }
    Ok(rendered)
}

/// The template's facts, their strings rendered with `answers`.
///
/// # Errors
/// When the template is broken.
pub fn facts(template: &Template, answers: &Answers) -> Result<toml::Table> {
    let engine = Engine::of(template, &answers.name, &answers.values)?;
    let facts = template.spec.facts.iter();
    facts.map(|(key, fact)| Ok((key.clone(), engine.fact(fact)?))).collect()
}
