//! `cargo mcp new`: gathers the answers, asks for those that are missing, and says what was made.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::{New, Vcs};
use crate::commands::prompt::Prompt;
use crate::error::{Code, Error, Result};
use crate::exit::Exit;
use crate::git;
use crate::ops::new::{self, Made, Request};
use crate::report;
use crate::template::answers::{self, Answers, Given, LANGUAGE, NAME};
use crate::template::spec::{Names, Question};
use crate::template::{Template, engine, filters, name};
use crate::ui::{Paint, Report, Ui};

const AUTHOR: &str = "author";

/// Runs the command.
///
/// # Errors
/// When an answer is missing or impossible, or the target cannot take a repository.
pub fn run(arguments: &New, ui: &Ui) -> Result<Exit> {
    if let Some(path) = &arguments.path {
        new::check_target(path)?;
    }
    let mut given = gather(arguments)?;
    if let (None, Some(path)) = (given.get(NAME), &arguments.path) {
        given.insert(NAME.to_owned(), last_part(path)?);
    }
    let prompt = if arguments.yes { None } else { Prompt::on_terminal() };
    let template = match &prompt {
        Some(prompt) => ask(prompt, &mut given, arguments.path.is_some())?,
        None => chosen(&given)?,
    };
    if !given.contains_key(NAME) {
        return Err(Error::new(Code::NameMissing, "there is no terminal to ask for the server's name")
            .hint("give it as the path: cargo mcp new my-server"));
    }
    if !given.contains_key(AUTHOR)
        && let Some(author) =
            git::user_name(Path::new(".")).filter(|author| !author.contains(char::is_control))
    {
        given.insert(AUTHOR.to_owned(), author);
    }
    let answers = Answers::complete(&template, &given)?;
    let request = Request {
        target: arguments.path.clone().unwrap_or_else(|| PathBuf::from(&answers.name)),
        answers,
        template,
        vcs: match arguments.vcs {
            None => new::Vcs::Auto,
            Some(Vcs::Git) => new::Vcs::Git,
            Some(Vcs::None) => new::Vcs::None,
        },
        dry_run: arguments.dry_run,
    };
    let made = new::run(&request)?;
    made.warnings.iter().for_each(|warning| ui.warn(warning));
    ui.report(&Summary::of(&request, made))?;
    Ok(Exit::Done)
}

/// What was answered before any question is asked: flags over `--set` over the answers file.
fn gather(arguments: &New) -> Result<Given> {
    let mut given = match &arguments.answers {
        None => Given::new(),
        Some(path) => fs::read_to_string(path)
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

/// The template that was chosen, or the default one.
fn chosen(given: &Given) -> Result<Template> {
    match given.get(LANGUAGE) {
        Some(language) => Template::named(language),
        None => {
            let first = Template::all()?.into_iter().next();
            first.ok_or_else(|| Error::new(Code::Template, "this build holds no template"))
        }
    }
}

/// Asks for what is missing, and for a name that can be used if the path does not give one.
fn ask(prompt: &Prompt, given: &mut Given, has_path: bool) -> Result<Template> {
    let named = given.contains_key(NAME);
    if !named {
        ask_name(prompt, given, None, &Names::default())?;
    }
    if !given.contains_key(LANGUAGE) {
        let all = Template::all()?;
        let items: Vec<_> = all.iter().map(Template::line).collect();
        let place = if all.len() > 1 { prompt.choice("Language", &items, 0)? } else { 0 };
        if let Some(template) = all.get(place) {
            given.insert(LANGUAGE.to_owned(), template.language.to_owned());
        }
    }
    let template = chosen(given)?;
    let name = given.get(NAME).cloned().unwrap_or_default();
    if (has_path || !named) && name::check(&name, &template.spec.names).is_err() {
        ask_name(prompt, given, Some(name::suggest(&name, &template.spec.names)), &template.spec.names)?;
    }
    for question in template.questions() {
        if let (Some(text), false) = (&question.prompt, given.contains_key(&question.key)) {
            let default = engine::default(question, given.get(NAME).map_or("", String::as_str))?;
            given.insert(question.key.clone(), ask_question(prompt, question, text, default)?);
        }
    }
    Ok(template)
}

fn ask_name(prompt: &Prompt, given: &mut Given, default: Option<String>, names: &Names) -> Result<()> {
    let name = prompt.text("Name of the server, like my-server", default, |name| name::check(name, names))?;
    given.insert(NAME.to_owned(), name);
    Ok(())
}

fn ask_question(prompt: &Prompt, question: &Question, text: &str, default: String) -> Result<String> {
    if question.choices.is_empty() {
        return prompt.text(text, Some(default), |answer| answers::check(question, answer).map(drop));
    }
    let place = question.choices.iter().position(|choice| *choice == default).unwrap_or_default();
    let place = prompt.choice(text, &question.choices, place)?;
    Ok(question.choices.get(place).cloned().unwrap_or(default))
}

/// The last part of `path`, also of `.` and the like.
fn last_part(path: &Path) -> Result<String> {
    let whole = path.file_name().is_none().then(|| path.canonicalize().ok()).flatten();
    let name = whole.as_deref().unwrap_or(path).file_name().and_then(|name| name.to_str());
    name.map(ToOwned::to_owned).ok_or_else(|| {
        Error::new(Code::NameMissing, format!("{} gives the server no name", path.display()))
            .hint("add one: --name my-server")
    })
}

/// What is said in the end.
#[derive(Debug, Serialize)]
struct Summary {
    #[serde(flatten)]
    made: Made,
    next: [String; 2],
}

impl Summary {
    fn of(request: &Request, made: Made) -> Self {
        let target = request.target.to_string_lossy();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./~".contains(c);
        let target = if target.chars().all(is_plain) { target.into_owned() } else { filters::sh(&target) };
        let enter = if request.target == Path::new(".") { String::new() } else { format!("cd {target} && ") };
        Self { made, next: [format!("{enter}make install test"), "make serve".to_owned()] }
    }
}

impl Report for Summary {
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
