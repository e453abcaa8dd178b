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
use crate::template::{Fault, Source, Template, broken};
use crate::tree::{File, Tree};

/// A rendered template.
#[derive(Debug)]
pub struct Rendered {
    /// The files.
    pub tree: Tree,
    /// Who owns each of them later.
    pub policies: BTreeMap<RepoPath, Policy>,
    /// Where files went since an earlier version, from → to.
    pub moved: BTreeMap<RepoPath, RepoPath>,
    /// The commands that write some of the files again.
    pub commands: BTreeMap<RepoPath, String>,
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
    let mut rendered = Rendered {
        tree: Tree::new(),
        policies: BTreeMap::new(),
        moved: moved(template, &engine)?,
        commands: BTreeMap::new(),
        facts,
    };
    for (source_path, source) in &template.sources {
        let Some((path, file)) = file(template, &engine, source_path, source)? else { continue };
        let source_path = source_path.as_str();
        rendered.policies.insert(path.clone(), template.policy(source_path));
        if let Some(command) = template.role(source_path).and_then(|role| role.command.clone()) {
            rendered.commands.insert(path.clone(), command);
        }
        if rendered.tree.insert(path.clone(), file).is_some() {
            return Err(broken(source_path, format!("another file is also called {path}")).into());
        }
    }
    Ok(rendered)
}

/// What becomes of a source, and where; nothing where its condition does not hold.
pub(super) fn file(
    template: &Template,
    engine: &Engine,
    path: &RepoPath,
    source: &Source,
) -> Result<Option<(RepoPath, File)>, Fault> {
    let path = path.as_str();
    if let Some(condition) = template.condition(path)
        && !engine.holds(condition, path)?
    {
        return Ok(None);
    }
    let place = RepoPath::new(engine.rename(template, path)?).map_err(|error| broken(path, error))?;
    let bytes = if source.rendered {
        let text = str::from_utf8(&source.bytes).map_err(|error| broken(path, error))?;
        Cow::Owned(engine.text(path, text)?.into_bytes())
    } else {
        source.bytes.clone()
    };
    Ok(Some((place, File { bytes, mode: template.mode(path) })))
}

/// Where each file ended up that was ever moved.
fn moved(template: &Template, engine: &Engine) -> Result<BTreeMap<RepoPath, RepoPath>> {
    let recorded: BTreeMap<&String, &String> =
        template.spec.moved.iter().chain(&template.shared.moved).collect();
    let mut moved = BTreeMap::new();
    for (from, first) in &recorded {
        let mut last = *first;
        // As many steps as there are moves, so that a circle ends.
        for _ in 0..recorded.len() {
            last = recorded.get(last).copied().unwrap_or(last);
        }
        let place = |path: &str| RepoPath::new(engine.rename(template, path)?);
        moved.insert(place(from)?, place(last)?);
    }
    Ok(moved)
}
