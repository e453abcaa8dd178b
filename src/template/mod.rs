//! The embedded templates: a language is a folder, and everything else about it is data in it.
//!
//! `templates/LANG/files` mirrors the generated repository; `templates/shared/files` holds what all languages
//! share, and a language's file overrides a shared one. A name that ends in `.tera` is rendered, all else is
//! copied. What is nearly equal in several languages is a part, below `templates/shared/parts`: a language's file
//! extends it and fills its blocks, or includes it.

pub mod answers;
pub mod engine;
pub mod filters;
pub mod name;
pub mod render;
pub mod spec;

use std::collections::BTreeMap;

use include_dir::{Dir, DirEntry, include_dir};

use crate::error::{Code, Error, Result};
use spec::{Question, Rule, Spec};

/// All of `templates/`, as it lay there when the program was built.
pub static EMBEDDED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/templates");

const SHARED: &str = "shared";
const PARTS: &str = "shared/parts";
const RENDERED: &str = ".tera";

/// A language's template together with what it shares with the others.
#[derive(Debug)]
pub struct Template {
    /// The folder under `templates/`, which is what `--lang` takes.
    pub language: &'static str,
    /// What the language says of itself.
    pub spec: Spec,
    shared: Spec,
}

/// A file of a template.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    /// The text or bytes as embedded.
    pub bytes: &'static [u8],
    /// Whether it is rendered or copied.
    pub rendered: bool,
}

impl Template {
    /// Every language, in listing order: the first is the default.
    ///
    /// # Errors
    /// When a `template.toml` is broken.
    pub fn all() -> Result<Vec<Self>> {
        let mut all = languages().map(Self::load).collect::<Result<Vec<_>>>()?;
        all.sort_by_key(|template| (template.spec.template.order, template.language));
        Ok(all)
    }

    /// The template of `language`.
    ///
    /// # Errors
    /// When there is no such language.
    pub fn named(language: &str) -> Result<Self> {
        if let Some(found) = languages().find(|known| known.eq_ignore_ascii_case(language)) {
            return Self::load(found);
        }
        let known: Vec<_> = languages().collect();
        let error = Error::new(Code::LanguageUnknown, format!("there is no template for {language:?}"));
        Err(match answers::nearest(language, known.iter().copied()) {
            Some(near) => error.hint(format!("did you mean {near}?")),
            None => error.hint(format!("the languages are {}", known.join(", "))),
        })
    }

    fn load(language: &'static str) -> Result<Self> {
        Ok(Self { language, spec: load(language)?, shared: load(SHARED)? })
    }

    /// The language in a line, to choose it by.
    #[must_use]
    pub fn line(&self) -> String {
        format!("{}: {}", self.language, self.spec.template.summary)
    }

    /// What can be answered, the shared questions first.
    pub fn questions(&self) -> impl Iterator<Item = &Question> {
        self.shared.questions.iter().chain(&self.spec.questions)
    }

    /// The files by their path without `.tera`, before any renaming.
    #[must_use]
    pub fn sources(&self) -> BTreeMap<&'static str, Source> {
        let mut sources = BTreeMap::new();
        for layer in [SHARED, self.language] {
            let root = format!("{layer}/files");
            if let Some(dir) = EMBEDDED.get_dir(&root) {
                walk(dir, root.len() + 1, &mut |path, bytes| {
                    let stem = path.strip_suffix(RENDERED);
                    sources.insert(stem.unwrap_or(path), Source { bytes, rendered: stem.is_some() });
                });
            }
        }
        sources
    }

    /// The parts by the name that files use.
    #[must_use]
    pub fn parts(&self) -> BTreeMap<&'static str, &'static [u8]> {
        let mut parts = BTreeMap::new();
        if let Some(dir) = EMBEDDED.get_dir(PARTS) {
            walk(dir, PARTS.len() + 1, &mut |path, bytes| _ = parts.insert(path, bytes));
        }
        parts
    }

    /// The rules about `path`; a language's come before the shared ones.
    pub fn rules(&self, path: &str) -> impl Iterator<Item = &Rule> {
        self.spec.rules.iter().chain(&self.shared.rules).filter(move |rule| rule.matches(path))
    }

    /// The renamings, a language's before the shared ones.
    fn renames(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.spec.rename.iter().chain(&self.shared.rename);
        pairs.map(|(from, to)| (from.as_str(), to.as_str()))
    }
}

/// The folders that hold a language.
fn languages() -> impl Iterator<Item = &'static str> {
    EMBEDDED
        .dirs()
        .filter(|dir| dir.get_file(dir.path().join("template.toml")).is_some())
        .filter_map(|dir| dir.path().to_str())
        .filter(|name| *name != SHARED)
}

fn load(folder: &str) -> Result<Spec> {
    let path = format!("{folder}/template.toml");
    let text = EMBEDDED.get_file(&path).and_then(|file| file.contents_utf8()).unwrap_or_default();
    toml::from_str(text).map_err(|error| Error::new(Code::Template, format!("templates/{path}: {error}")))
}

fn walk(dir: &'static Dir<'static>, prefix: usize, visit: &mut impl FnMut(&'static str, &'static [u8])) {
    for entry in dir.entries() {
        match entry {
            DirEntry::Dir(dir) => walk(dir, prefix, visit),
            DirEntry::File(file) => {
                if let Some(path) = file.path().to_str().and_then(|path| path.get(prefix..)) {
                    visit(path, file.contents());
                }
            }
        }
    }
}
