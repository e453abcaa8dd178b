//! A template: a language is a folder, and everything else about it is data in it.
//!
//! `LANG/files` mirrors the generated repository; `shared/files` holds what all languages share, and a language's
//! file overrides a shared one. A name that ends in `.tera` is rendered, all else is copied. What is nearly equal
//! in several languages is a part, below `shared/parts`: a language's file extends it and fills its blocks, or
//! includes it.

pub mod answers;
pub mod engine;
pub mod facts;
pub mod library;
pub mod origin;
pub mod overlay;
pub mod proof;
pub mod question;
pub mod render;
pub mod spec;

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::error::{Code, Error, Result};
use crate::path::RepoPath;
use crate::text::name;
use crate::tree::Mode;
use engine::Engine;
use facts::Facts;
pub use library::Library;
use question::Question;
use spec::{Language, Policy, Role, Rule, Shared};

/// What a file holds: borrowed from the program itself, or read.
pub type Bytes = Cow<'static, [u8]>;

/// A language's template together with what it shares with the others.
#[derive(Debug)]
pub struct Template {
    /// The folder's name, which is what `--lang` takes.
    pub language: String,
    /// What the language says of itself.
    pub spec: Language,
    /// What holds for all languages.
    pub shared: Shared,
    /// The facts, their strings yet to be rendered.
    pub facts: Facts,
    /// The files by their path without `.tera`, before any renaming.
    pub sources: BTreeMap<RepoPath, Source>,
    /// The parts by the name that files use.
    pub parts: BTreeMap<String, Bytes>,
}

/// A file of a template.
#[derive(Clone, Debug)]
pub struct Source {
    /// The text or bytes as they lie there.
    pub bytes: Bytes,
    /// Whether it is rendered or copied.
    pub rendered: bool,
    /// The folder of its layer: the language's, or what all share.
    pub layer: String,
}

impl Template {
    /// The language in a line, to choose it by.
    pub fn line(&self) -> String {
        format!("{}: {}", self.language, self.spec.template.summary)
    }

    /// What can be answered, the shared questions first.
    pub fn questions(&self) -> impl Iterator<Item = &Question> {
        self.shared.questions.iter().chain(&self.spec.questions)
    }

    /// What the file at `path` is for.
    pub fn role(&self, path: &str) -> Option<&Role> {
        let has = |role: &&Role| {
            let own = self.spec.roles.get(&role.name).into_iter().flatten();
            role.paths.iter().chain(own).any(|glob| glob.matches(path))
        };
        self.shared.roles.iter().find(has)
    }

    /// Who owns the file at `path` later.
    pub fn policy(&self, path: &str) -> Policy {
        self.role(path).map(|role| role.policy).unwrap_or_default()
    }

    /// Whether the file at `path` can be run.
    pub fn mode(&self, path: &str) -> Mode {
        self.rules(path).find_map(|rule| rule.mode).unwrap_or_default()
    }

    /// The condition on the answers under which there is a file at `path`.
    pub fn condition(&self, path: &str) -> Option<&str> {
        self.rules(path).find_map(|rule| rule.when.as_deref())
    }

    /// The rules about `path`; a language's come before the shared ones, field by field.
    fn rules(&self, path: &str) -> impl Iterator<Item = &Rule> {
        self.spec.rules.iter().chain(&self.shared.rules).filter(move |rule| rule.path.matches(path))
    }

    /// The renamings, a language's before the shared ones.
    fn renames(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.spec.rename.iter().chain(&self.shared.rename);
        pairs.map(|(from, to)| (from.as_str(), to.as_str()))
    }

    /// The package that a server called `name` lives in.
    pub fn package(&self, name: &str) -> Result<String> {
        Engine::package(&self.spec.names.package, name)
    }

    /// Checks `name` against the grammar and against what the language keeps for itself.
    ///
    /// # Errors
    /// When it cannot be used; the hint suggests a name that can.
    pub fn check_name(&self, name: &str) -> Result<()> {
        let Some(reason) = self.name_fault(name)? else { return Ok(()) };
        Err(name::refused(name, &reason).hint(format!("try {}", self.suggest_name(name)?)))
    }

    /// The usable name that comes nearest to `text`.
    pub fn suggest_name(&self, text: &str) -> Result<String> {
        for candidate in name::candidates(text) {
            if self.name_fault(&candidate)?.is_none() {
                return Ok(candidate);
            }
        }
        Ok(name::FALLBACK.to_owned())
    }

    /// Why `name` cannot be used.
    fn name_fault(&self, name: &str) -> Result<Option<String>> {
        if let Some(reason) = name::fault(name) {
            return Ok(Some(reason));
        }
        let package = self.package(name)?;
        let names = &self.spec.names;
        let holds = |list: &[String]| {
            list.iter().any(|word| word.eq_ignore_ascii_case(&package) || word.eq_ignore_ascii_case(name))
        };
        Ok(if holds(&names.reserved) {
            Some(format!("{package:?} has a meaning of its own in the language"))
        } else if holds(&names.shadows) {
            Some(format!("{package:?} would shadow a dependency or a tool of the server"))
        } else {
            None
        })
    }
}

/// What is wrong with a template.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// The file, as it is called in the repository, or the part or the table.
    pub file: String,
    /// The line, where it is known.
    pub line: Option<usize>,
    /// What is wrong there.
    pub reason: String,
}

impl From<Fault> for Error {
    fn from(Fault { file, line, reason }: Fault) -> Self {
        let line = line.map(|line| format!(" in line {line}")).unwrap_or_default();
        Self::new(Code::Template, format!("the template of {file} is broken{line}: {reason}"))
            .hint("this is a bug of the template; please report it to whoever wrote it")
    }
}

fn broken(file: &str, reason: impl std::fmt::Display) -> Fault {
    Fault { file: file.to_owned(), line: None, reason: reason.to_string() }
}
