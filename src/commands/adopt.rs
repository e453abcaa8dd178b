//! `cargo mcp adopt`: takes a repository under management.

use std::path::Path;

use crate::cli::Adopt;
use crate::commands::{at, given};
use crate::error::Result;
use crate::exit::Exit;
use crate::ops::adopt::{self, Request};
use crate::template::answers::{Answers, LANGUAGE, NAME};
use crate::template::origin;
use crate::ui::Ui;

/// Runs the command in the folder `here`.
pub fn run(arguments: &Adopt, here: &Path, ui: &Ui) -> Result<Exit> {
    let folder = at(here, &arguments.path);
    let mut given = given::gather(here, arguments.answers.as_ref(), &arguments.set)?;
    let language = arguments.lang.clone().or(given.remove(LANGUAGE));
    if let Some(name) = &arguments.name {
        given.insert(NAME.to_owned(), name.clone());
    } else if !given.contains_key(NAME) {
        given.insert(NAME.to_owned(), given::last_part(&folder, &arguments.path)?);
    }
    let mut source = given::origin(arguments.template.as_deref(), arguments.reference.as_deref(), here)?;
    let library = origin::library(source.as_mut(), here)?;
    let template = match language {
        Some(language) => library.named(&language)?,
        None => adopt::language(&library, &folder)?,
    };
    given::author(&mut given, here);
    let adopted = adopt::run(&Request {
        answers: Answers::complete(&template, &given)?,
        origin: source
            .zip(arguments.template.as_ref())
            .map(|(origin, given)| origin.seen_from(&folder, given)),
        folder,
        template,
        dry_run: arguments.dry_run,
    })?;
    ui.report(&adopted)?;
    Ok(Exit::Done)
}
