//! `cargo mcp new`: gathers the answers, asks for those that are missing, and says what was made.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::{New, Vcs};
use crate::commands::prompt::Prompt;
use crate::commands::{ask, at};
use crate::error::{Code, Error, Result};
use crate::exit::Exit;
use crate::git;
use crate::ops::new::{self, Made, Request};
use crate::report;
use crate::template::Library;
use crate::template::answers::{self, Answers, Given, LANGUAGE, NAME};
use crate::text::escape;
use crate::ui::{Paint, Report, Ui};

const AUTHOR: &str = "author";

/// Runs the command in the folder `here`.
pub fn run(arguments: &New, here: &Path, ui: &Ui) -> Result<Exit> {
    if let Some(path) = &arguments.path {
        new::check_target(&at(here, path))?;
    }
    let mut given = gather(arguments, here)?;
    let language = given.remove(LANGUAGE);
    if let (None, Some(path)) = (given.get(NAME), &arguments.path) {
        given.insert(NAME.to_owned(), last_part(&at(here, path), path)?);
    }
    let library = Library::embedded();
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
    if !given.contains_key(AUTHOR)
        && let Some(author) = git::user_name(here).filter(|author| !author.contains(char::is_control))
    {
        given.insert(AUTHOR.to_owned(), author);
    }
    let answers = Answers::complete(&template, &given)?;
    let target = arguments.path.clone().unwrap_or_else(|| PathBuf::from(&answers.name));
    let made = new::run(&Request {
        target: at(here, &target),
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
    let mut given = match &arguments.answers {
        None => Given::new(),
        Some(path) => fs::read_to_string(at(here, path))
            .map_err(|error| Error::new(Code::AnswersFile, error.to_string()))
            .and_then(|text| answers::parse(&text))
            .map_err(|error| Error { message: format!("{}: {}", path.display(), error.message), ..error })?,
    };
    for pair in &arguments.set {
        let Some((key, value)) = pair.split_once('=') else {
            return Err(Error::new(Code::Usage, format!("--set {pair}: expected KEY=VALUE")));
        };
        given.insert(key.to_owned(), value.to_owned());
    }
    for (key, value) in [
        (LANGUAGE, &arguments.lang),
        (NAME, &arguments.name),
        (AUTHOR, &arguments.author),
        ("description", &arguments.description),
        ("license", &arguments.license),
    ] {
        if let Some(value) = value {
            given.insert(key.to_owned(), value.clone());
        }
    }
    Ok(given)
}

/// The last part of a path, also of `.` and the like.
fn last_part(path: &Path, given: &Path) -> Result<String> {
    let whole = given.file_name().is_none().then(|| path.canonicalize().ok()).flatten();
    let name = whole.as_deref().unwrap_or(given).file_name().and_then(|name| name.to_str());
    name.map(ToOwned::to_owned).ok_or_else(|| {
        Error::new(Code::NameMissing, format!("{} gives the server no name", given.display()))
            .hint("add one: --name my-server")
    })
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
