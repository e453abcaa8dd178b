//! `cargo mcp new`: gathers the answers, asks for those that are missing, and says what was made.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::{New, Vcs};
use crate::commands::prompt::Prompt;
use crate::commands::{ask, at, given};
use crate::error::{Code, Error, Result};
use crate::exit::Exit;
use crate::ops::new::{self, Made, Request};
use crate::report;
use crate::template::answers::{Answers, Given, LANGUAGE, NAME};
use crate::template::origin;
use crate::text::escape;
use crate::ui::{Paint, Report, Ui};

/// Runs the command in the folder `here`.
pub fn run(arguments: &New, here: &Path, ui: &Ui) -> Result<Exit> {
    if let Some(path) = &arguments.path {
        new::check_target(&at(here, path))?;
    }
    let mut given = gather(arguments, here)?;
    let language = given.remove(LANGUAGE);
    if let (None, Some(path)) = (given.get(NAME), &arguments.path) {
        given.insert(NAME.to_owned(), given::last_part(&at(here, path), path)?);
    }
    let mut origin = given::origin(arguments.template.as_deref(), arguments.reference.as_deref(), here)?;
    let library = origin::library(origin.as_mut(), here)?;
    let prompt = if arguments.yes { None } else { Prompt::on_terminal() };
    let template = match (&prompt, &language) {
        (Some(prompt), _) => {
            ask::all(prompt, &library, language.as_deref(), &mut given, arguments.path.is_some())?
        }
        (None, Some(language)) => library.named(language)?,
        (None, None) => library.default()?,
    };
    if !given.contains_key(NAME) {
        return Err(Error::new(Code::NameMissing, "there is no terminal to ask for the server's name")
            .hint("give it as the path: cargo mcp new my-server"));
    }
    given::author(&mut given, here);
    let answers = Answers::complete(&template, &given)?;
    let target = arguments.path.clone().unwrap_or_else(|| PathBuf::from(&answers.name));
    let made = new::run(&Request {
        target: at(here, &target),
        origin: origin
            .zip(arguments.template.as_ref())
            .map(|(origin, given)| origin.seen_from(&at(here, &target), given)),
        answers,
        template,
        git: arguments.vcs.map(|vcs| vcs == Vcs::Git),
        dry_run: arguments.dry_run,
    })?;
    made.warnings.iter().for_each(|warning| ui.warn(warning));
    ui.report(&Said { next: next(&target), made })?;
    Ok(Exit::Done)
}

/// What was answered before any question is asked: flags over `--set` over the answers file.
fn gather(arguments: &New, here: &Path) -> Result<Given> {
    let mut given = given::gather(here, arguments.answers.as_ref(), &arguments.set)?;
    for (key, value) in [
        (LANGUAGE, &arguments.lang),
        (NAME, &arguments.name),
        ("author", &arguments.author),
        ("description", &arguments.description),
        ("license", &arguments.license),
    ] {
        if let Some(value) = value {
            given.insert(key.to_owned(), value.clone());
        }
    }
    Ok(given)
}

/// What to type next.
fn next(target: &Path) -> [String; 2] {
    let shown = target.to_string_lossy();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./~".contains(c);
    let shown = if shown.chars().all(is_plain) { shown.into_owned() } else { escape::sh(&shown) };
    let enter = if target == Path::new(".") { String::new() } else { format!("cd {shown} && ") };
    [format!("{enter}make install test"), "make serve".to_owned()]
}

/// What is said in the end.
#[derive(Debug, Serialize)]
struct Said {
    #[serde(flatten)]
    made: Made,
    next: [String; 2],
}

impl Report for Said {
    fn human(&self, paint: Paint) -> String {
        let Made { path, language, files, git, dry_run, plan, .. } = &self.made;
        if *dry_run {
            let there = paint.bold(path);
            return report::plan::human(plan, paint)
                + &format!("Nothing was written: this is what would go to {there}\n");
        }
        let git = if *git { ", a git repository" } else { "" };
        let [install, serve] = &self.next;
        format!(
            "{} {} ({language}, {files} files{git})\n   {} {install}\n  {} {serve}\n",
            paint.good("Created"),
            paint.bold(path),
            paint.good("Next"),
            paint.good("Serve"),
        )
    }
}
