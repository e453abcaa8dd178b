//! A template of somebody's own: a folder with a `template.toml` and `files/`. It is laid over a language of the
//! program's that it `extends`, or is a `language` of its own; the result is a library like any other.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::{Table, Value};

use crate::error::Result;
use crate::path::RepoPath;
use crate::template::Bytes;
use crate::template::library::{Library, RENDERED, SHARED, SPEC};
use crate::template::question::Question;
use crate::template::spec::{Glob, Names, Role, Rule};
use crate::tree::{File, Mode, Tree};

/// The `template.toml` of such a folder.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "read to be checked with line and key; the tables are laid over each other as TOML"
)]
struct Own {
    extends: Option<String>,
    language: Option<String>,
    #[serde(default)]
    drop: Vec<Glob>,
    template: Heading,
    names: Option<Names>,
    #[serde(default)]
    facts: Table,
    #[serde(default)]
    rename: BTreeMap<String, String>,
    #[serde(default)]
    moved: BTreeMap<String, String>,
    #[serde(default, rename = "file")]
    rules: Vec<Rule>,
    #[serde(default, rename = "role")]
    new_roles: Vec<Role>,
    #[serde(default)]
    roles: BTreeMap<String, Vec<Glob>>,
    #[serde(default, rename = "question")]
    questions: Vec<Question>,
}

/// Its heading.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "as above")]
struct Heading {
    version: String,
    order: Option<u32>,
    summary: Option<String>,
}

/// What stands in the `template.toml` of such a folder alone.
const OWN_KEYS: [&str; 3] = ["extends", "language", "drop"];

/// A folder with a `template.toml` at its top as a library of one language; any other is one already.
pub(super) fn laid(over: Library) -> Result<Library> {
    if !over.files.contains_key(SPEC) {
        return Ok(over);
    }
    let own: Own = over.parsed(SPEC)?;
    let (language, mut files) = match (&own.extends, &own.language) {
        (Some(name), None) => {
            let language = Library::embedded().named(name)?.language;
            let below = Library::embedded().only(&language);
            (language, below.files)
        }
        (None, Some(name)) => (over.folder_name(name)?, BTreeMap::new()),
        _ => return Err(over.broken(SPEC, "it takes either extends or language")),
    };
    for glob in &own.drop {
        let before = files.len();
        files.retain(|path, _| !source(path).is_some_and(|source| glob.matches(source)));
        if files.len() == before {
            return Err(over.broken(SPEC, format!("drop: {language} has no file {}", glob.as_str())));
        }
    }
    for (path, bytes) in &over.files {
        match path.split_once('/') {
            Some(("files", path)) => {
                let stem = path.strip_suffix(RENDERED).unwrap_or(path);
                files.retain(|path, _| source(path) != Some(stem));
                files.insert(format!("{language}/files/{path}"), bytes.clone());
            }
            Some(("parts", _)) => _ = files.insert(format!("{SHARED}/{path}"), bytes.clone()),
            _ if is_beside(path) => {}
            _ => {
                return Err(over
                    .broken(path, format!("belongs into files/ or parts/: only they and {SPEC} are read")));
            }
        }
    }
    let mut above = table(over.files.get(SPEC));
    above.retain(|key, _| !OWN_KEYS.contains(&key));
    let roles: Table = above.remove_entry("role").into_iter().collect();
    for (folder, above) in [(SHARED, roles), (&language, above)] {
        let place = format!("{folder}/{SPEC}");
        let whole = merged(table(files.get(&place)), above);
        let text = toml::to_string(&whole).map_err(|error| over.broken(SPEC, error))?;
        files.insert(place, Bytes::Owned(text.into_bytes()));
    }
    Ok(Library { origin: over.origin, files, own: Some(language) })
}

/// A language as a folder of this kind, to start a template of one's own from.
///
/// # Errors
/// When there is no such language, or its template is broken.
pub fn export(library: Library, language: &str) -> Result<Tree> {
    let language = library.named(language)?.language;
    let files = library.only(&language).files;
    let spec = |folder| table(files.get(&format!("{folder}/{SPEC}")));
    let mut whole = merged(spec(SHARED), spec(&language));
    whole.insert("language".to_owned(), Value::String(language.clone()));
    let text = toml::to_string_pretty(&whole).unwrap_or_default();
    let mut found = BTreeMap::from([(SPEC.to_owned(), Bytes::Owned(text.into_bytes()))]);
    for folder in [SHARED, &language] {
        for (path, bytes) in &files {
            let Some(path) = path.strip_prefix(folder).and_then(|path| path.strip_prefix('/')) else {
                continue;
            };
            if path.starts_with("files/") {
                let stem = path.strip_suffix(RENDERED).unwrap_or(path);
                found.retain(|path, _| path.strip_suffix(RENDERED).unwrap_or(path) != stem);
            }
            if path.starts_with("files/") || path.starts_with("parts/") {
                found.insert(path.to_owned(), bytes.clone());
            }
        }
    }
    let file = |bytes| File { bytes, mode: Mode::Plain };
    found.into_iter().map(|(path, bytes)| Ok((RepoPath::new(path)?, file(bytes)))).collect()
}

/// The path under which a file of either layer is known, without `.tera`.
fn source(path: &str) -> Option<&str> {
    let (_, path) = path.split_once("/files/")?;
    Some(path.strip_suffix(RENDERED).unwrap_or(path))
}

/// Whether a path is what people keep beside a template for themselves.
fn is_beside(path: &str) -> bool {
    let words = ["README", "CHANGELOG", "LICENSE"];
    path == SPEC
        || path.starts_with('.')
        || !path.contains('/') && words.iter().any(|word| path.starts_with(word))
}

fn table(bytes: Option<&Bytes>) -> Table {
    let text = bytes.map(|bytes| String::from_utf8_lossy(bytes)).unwrap_or_default();
    toml::from_str(&text).unwrap_or_default()
}

/// What one `template.toml` says, over what another says. Rules and roles of both count, those above first; a question
/// takes the place of the one with its key, a fact that of the fact.
fn merged(mut below: Table, above: Table) -> Table {
    for (name, above) in above {
        let value = match (name.as_str(), below.remove(&name), above) {
            ("facts", Some(Value::Table(below)), Value::Table(above)) => Value::Table(replaced(below, above)),
            ("question", Some(Value::Array(below)), Value::Array(above)) => Value::Array(asked(below, above)),
            (_, Some(Value::Table(below)), Value::Table(above)) => Value::Table(merged(below, above)),
            (_, Some(Value::Array(below)), Value::Array(mut above)) => {
                above.extend(below);
                Value::Array(above)
            }
            (_, _, above) => above,
        };
        below.insert(name, value);
    }
    below
}

fn replaced(mut below: Table, above: Table) -> Table {
    for (name, above) in above {
        let value = match (below.remove(&name), above) {
            (Some(Value::Table(below)), Value::Table(above)) => Value::Table(replaced(below, above)),
            (_, above) => above,
        };
        below.insert(name, value);
    }
    below
}

fn asked(mut below: Vec<Value>, above: Vec<Value>) -> Vec<Value> {
    for question in above {
        match below.iter_mut().find(|old| old.get("key") == question.get("key")) {
            Some(old) => *old = question,
            None => below.push(question),
        }
    }
    below
}
