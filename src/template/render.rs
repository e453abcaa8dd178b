//! (Template, Answers) → Tree. Pure: the same answers give the same bytes, and nothing outside is read.
//!
//! Only files of the chosen language whose condition holds are parsed, each once.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::error::Result;
use crate::path::RepoPath;
use crate::template::answers::Answers;
use crate::template::engine::Engine;
use crate::template::facts::Facts;
use crate::template::spec::Policy;
use crate::template::{Template, broken};
use crate::tree::{File, Tree};

/// A rendered template.
#[derive(Debug)]
pub struct Rendered {
    /// The files.
    pub tree: Tree,
    /// Who owns each of them later.
    pub policies: BTreeMap<RepoPath, Policy>,
    /// The facts, their strings rendered.
    pub facts: Facts,
}

/// Renders `template` with `answers`.
///
/// # Errors
/// When the template is broken; no answers that were checked can cause it.
pub fn render(template: &Template, answers: &Answers) -> Result<Rendered> {
    let (mut engine, facts) = Engine::of(template, &answers.name, &answers.values)?;
    engine.learn_parts(template)?;
    let mut rendered = Rendered { tree: Tree::new(), policies: BTreeMap::new(), facts };
    for (source_path, source) in &template.sources {
        let source_path = source_path.as_str();
        if let Some(condition) = template.condition(source_path)
            && !engine.holds(condition, source_path)?
        {
            continue;
        }
        let path = RepoPath::new(engine.rename(template, source_path)?)?;
        let bytes = if source.rendered {
            let text = str::from_utf8(&source.bytes).map_err(|error| broken(source_path, error))?;
            Cow::Owned(engine.text(source_path, text)?.into_bytes())
        } else {
            source.bytes.clone()
        };
        rendered.policies.insert(path.clone(), template.policy(source_path));
        let file = File { bytes, mode: template.mode(source_path) };
        if rendered.tree.insert(path.clone(), file).is_some() {
            return Err(broken(source_path, format!("another file is also called {path}")));
        }
    }
    Ok(rendered)
}
