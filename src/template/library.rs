//! Where templates come from: the program itself, or a folder that is laid out like `templates/`.
//!
//! A folder is untrusted input: no link is followed, its files are bounded in number and size, every path is
//! checked, and every key of a `template.toml` is one that is known in that file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use include_dir::{Dir, DirEntry, include_dir};
use serde::de::DeserializeOwned;

use crate::error::{Code, Error, Result};
use crate::path::RepoPath;
use crate::read::{self, Limits};
use crate::template::facts::Facts;
use crate::template::spec::{Language, Role, Shared};
use crate::template::{Bytes, Source, Template};
use crate::text::nearest;

/// All of `templates/`, as it lay there when the program was built.
static EMBEDDED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/templates");

/// What all languages share, in every library.
pub const SHARED: &str = "shared";
/// What a language, and what all share, says of itself.
pub const SPEC: &str = "template.toml";
/// The end of the name of a file that is rendered.
pub const RENDERED: &str = ".tera";

/// Ten times what two languages take.
const LIMITS: Limits = Limits { files: 4_000, bytes: 64 << 20 };

/// Templates of one origin.
#[derive(Debug)]
pub struct Library {
    pub(super) origin: String,
    pub(super) files: BTreeMap<String, Bytes>,
    /// The one language of a folder that is a template by itself, not a set of languages.
    pub(super) own: Option<String>,
}

impl Library {
    /// The templates that the program holds.
    pub fn embedded() -> Self {
        let mut files = BTreeMap::new();
        let mut folders = vec![&EMBEDDED];
        while let Some(folder) = folders.pop() {
            for entry in folder.entries() {
                match entry {
                    DirEntry::Dir(dir) => folders.push(dir),
                    DirEntry::File(file) => {
                        let path = file.path().to_string_lossy().into_owned();
                        files.insert(path, Bytes::Borrowed(file.contents()));
                    }
                }
            }
        }
        Self { origin: "templates".to_owned(), files, own: None }
    }

    /// The templates in a folder.
    ///
    /// # Errors
    /// When it cannot be read, holds links or unsafe paths, or is larger than any template.
    pub fn folder(folder: &Path) -> Result<Self> {
        let tree = read::tree(folder, LIMITS)?;
        let files = tree.into_iter().map(|(path, file)| (path.into(), file.bytes)).collect();
        Ok(Self { origin: folder.display().to_string(), files, own: None })
    }

    /// This library without any language but one.
    pub(super) fn only(mut self, language: &str) -> Self {
        self.files.retain(|path, _| {
            let folder = path.split('/').next().unwrap_or_default();
            folder == SHARED || folder == language
        });
        self
    }

    /// `name` as the folder of a language.
    pub(super) fn folder_name(&self, name: &str) -> Result<String> {
        let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || name == SHARED || !name.chars().all(is_word) {
            let reason =
                format!("language: {name:?} is none: it takes lower-case letters, digits and hyphens");
            return Err(self.broken(SPEC, reason));
        }
        Ok(name.to_owned())
    }

    /// The paths of all files.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// The number of the first line in a table of the TOML file at `path` that holds `text`.
    pub fn line_of(&self, path: &str, text: &str) -> Option<usize> {
        let file = String::from_utf8_lossy(self.files.get(path)?);
        let mut tables = file.lines().enumerate().skip_while(|(_, line)| !line.starts_with('['));
        tables.find(|(_, line)| line.contains(text)).map(|(before, _)| before + 1)
    }

    /// Every language, in listing order: the first is the default.
    ///
    /// # Errors
    /// When a template is broken.
    pub fn all(&self) -> Result<Vec<Template>> {
        let languages = self.languages();
        let mut all = languages.into_iter().map(|name| self.load(name)).collect::<Result<Vec<_>>>()?;
        all.sort_by(|a, b| (a.spec.template.order, &a.language).cmp(&(b.spec.template.order, &b.language)));
        Ok(all)
    }

    /// The template of the language that is taken when none is given.
    ///
    /// # Errors
    /// When a template is broken, or there is none.
    pub fn default(&self) -> Result<Template> {
        let first = self.all()?.into_iter().next();
        first.ok_or_else(|| Error::new(Code::Template, format!("{} holds no template", self.origin)))
    }

    /// The template of `language`.
    ///
    /// # Errors
    /// When there is no such language, or its template is broken.
    pub fn named(&self, language: &str) -> Result<Template> {
        let known = self.languages();
        if let Some(found) = known.iter().find(|known| known.eq_ignore_ascii_case(language)) {
            return self.load(found);
        }
        let error = Error::new(Code::LanguageUnknown, format!("there is no template for {language:?}"));
        Err(match nearest(language, known.iter().copied()) {
            Some(near) => error.hint(format!("did you mean {near}?")),
            None => {
                error.hint(format!("the languages are {}", known.into_iter().collect::<Vec<_>>().join(", ")))
            }
        })
    }

    /// The folders that hold a language.
    fn languages(&self) -> BTreeSet<&str> {
        let specs = self.files.keys().filter_map(|path| path.strip_suffix("/template.toml"));
        specs.filter(|folder| *folder != SHARED && !folder.contains('/')).collect()
    }

    fn load(&self, language: &str) -> Result<Template> {
        let shared: Shared = self.spec(SHARED)?;
        let spec: Language = self.spec(language)?;
        let facts = self.facts(&shared, &spec, language)?;
        self.check_roles(&shared, &spec, language)?;
        let mut sources = BTreeMap::new();
        for layer in [SHARED, language] {
            for (path, bytes) in self.below(&format!("{layer}/files/")) {
                let stem = path.strip_suffix(RENDERED);
                let path = RepoPath::new(stem.unwrap_or(path))?;
                let source =
                    Source { bytes: bytes.clone(), rendered: stem.is_some(), layer: layer.to_owned() };
                sources.insert(path, source);
            }
        }
        let parts = self.below("shared/parts/");
        let parts = parts.map(|(name, bytes)| (name.to_owned(), bytes.clone())).collect();
        Ok(Template { language: language.to_owned(), spec, shared, facts, sources, parts })
    }

    /// Every role of a language is a shared one, and none without shared paths is left out.
    fn check_roles(&self, shared: &Shared, spec: &Language, language: &str) -> Result<()> {
        let is_shared = |name: &str| shared.roles.iter().any(|role| role.name == name);
        if let Some(name) = spec.roles.keys().find(|name| !is_shared(name)) {
            let reason = format!("roles.{name}: there is no such role in {SHARED}/{SPEC}");
            return Err(self.broken(&format!("{language}/{SPEC}"), reason));
        }
        let is_left_out = |role: &&Role| role.paths.is_empty() && !spec.roles.contains_key(&role.name);
        match shared.roles.iter().find(is_left_out) {
            Some(role) => {
                Err(self.broken(&format!("{language}/{SPEC}"), format!("roles.{} is missing", role.name)))
            }
            None => Ok(()),
        }
    }

    /// The files in a folder, by their path below it.
    fn below(&self, folder: &str) -> impl Iterator<Item = (&str, &Bytes)> {
        self.files.iter().filter_map(move |(path, bytes)| Some((path.strip_prefix(folder)?, bytes)))
    }

    fn spec<T: DeserializeOwned>(&self, folder: &str) -> Result<T> {
        self.parsed(&format!("{folder}/{SPEC}"))
    }

    /// What the file at `path` says.
    pub(super) fn parsed<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let bytes = self.files.get(path).ok_or_else(|| self.broken(path, "it is missing"))?;
        let text = str::from_utf8(bytes).map_err(|error| self.broken(path, error))?;
        toml::from_str(text).map_err(|error| {
            let line = error.span().and_then(|span| Some(text.get(..span.start)?.matches('\n').count() + 1));
            let line = line.map_or_else(String::new, |line| format!("line {line}: "));
            self.broken(path, format!("{line}{}", error.message().replace('\n', " ")))
        })
    }

    /// The facts of a language over those that all share.
    fn facts(&self, shared: &Shared, spec: &Language, language: &str) -> Result<Facts> {
        for (folder, table) in [(SHARED, &shared.facts), (language, &spec.facts)] {
            if let Some(key) = table.keys().find(|key| !Facts::TABLE.iter().any(|(known, _)| known == *key)) {
                return Err(
                    self.broken(&format!("{folder}/{SPEC}"), format!("facts.{key}: there is no such fact"))
                );
            }
        }
        let mut facts = shared.facts.clone();
        facts.extend(spec.facts.clone());
        facts.try_into().map_err(|error: toml::de::Error| {
            self.broken(
                &format!("{language}/{SPEC}"),
                format!("facts: {}", error.to_string().trim().replace('\n', " ")),
            )
        })
    }

    /// What is wrong with the file at `path`.
    pub(super) fn broken(&self, path: &str, reason: impl std::fmt::Display) -> Error {
        let own = self.own.as_ref().and_then(|own| path.strip_prefix(own)?.strip_prefix('/'));
        Error::new(Code::Template, format!("{}/{}: {reason}", self.origin, own.unwrap_or(path)))
    }
}
