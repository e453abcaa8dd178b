//! `cargo mcp new`: gathers the answers, asks for those that are missing, and says what was made.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::Exit;
use crate::cli::{New, Vcs};
use crate::error::{Code, Error, Result};
use crate::git;
use crate::ops::new::{self, Made, Request};
use crate::plan::{Action, Plan};
use crate::template::Template;
use crate::template::answers::{self, Answers, Given, LANGUAGE, NAME};
use crate::ui::{Paint, Report, Ui};

/// Runs the command.
///
/// # Errors
/// When an answer is missing or impossible, or the target cannot take a repository.
pub fn run(arguments: &New, ui: &Ui) -> Result<Exit> {
    let mut given = gather(arguments)?;
    let template = match given.get(LANGUAGE) {
        Some(language) => Template::named(language)?,
        None => Template::all()?
            .into_iter()
            .next()
            .ok_or_else(|| Error::new(Code::Template, "there are no languages"))?,
    };
    if !given.contains_key(NAME) {
        let name = arguments.path.as_deref().and_then(last_part);
        given.insert(NAME.to_owned(), name.ok_or_else(name_missing)?);
    }
    let target = arguments.path.clone().unwrap_or_else(|| PathBuf::from(&given[NAME]));
    if let Some(author) = (!given.contains_key("author")).then(|| git::user_name(Path::new("."))).flatten() {
        given.insert("author".to_owned(), author);
    }
    let request = Request {
        target,
        answers: Answers::complete(&template, &given)?,
        template,
        vcs: match arguments.vcs {
            None => new::Vcs::Auto,
            Some(Vcs::Git) => new::Vcs::Git,
            Some(Vcs::None) => new::Vcs::None,
        },
        dry_run: arguments.dry_run,
    };
    let made = new::run(&request)?;
    for warning in &made.warnings {
        ui.warn(warning);
    }
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

fn name_missing() -> Error {
    Error::new(Code::NameMissing, "the server needs a name").hint("try cargo mcp new my-server")
}

/// The last part of `path`, also of `.` and the like.
fn last_part(path: &Path) -> Option<String> {
    let whole = path.file_name().is_none().then(|| path.canonicalize().ok()).flatten();
    let name = whole.as_deref().unwrap_or(path).file_name()?;
    Some(name.to_string_lossy().into_owned())
}

/// What is said in the end.
#[derive(Debug, Serialize)]
struct Summary {
    name: String,
    language: &'static str,
    template_version: String,
    path: PathBuf,
    git: bool,
    dry_run: bool,
    plan: Plan,
}

impl Summary {
    fn of(request: &Request, made: Made) -> Self {
        Self {
            name: request.answers.name.clone(),
            language: request.template.language,
            template_version: request.template.spec.template.version.clone(),
            path: made.target,
            git: made.git,
            dry_run: request.dry_run,
            plan: made.plan,
        }
    }
}

impl Report for Summary {
    fn human(&self, paint: Paint) -> String {
        let mut out = String::new();
        if self.dry_run {
            for Action::Create(path, file) in &self.plan.actions {
                out += &format!("{} {path} {}\n", paint.good("create"), paint.dim(file.bytes.len()));
            }
            return out;
        }
        out += &format!("{} {} ({} files)\n", paint.good("Created"), self.name, self.plan.actions.len());
        out
    }
}
