//! `template.toml`: what a language says of itself, so that no code needs to know it.
//!
//! The shared one says what holds for all languages, a language's what is its own: two types, so that a key in the
//! wrong file is an error and not forgotten.

use std::collections::BTreeMap;

use glob::{MatchOptions, Pattern};
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::template::question::Question;
use crate::tree::Mode;

/// `shared/template.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shared {
    /// Facts that are the same in all languages.
    #[serde(default)]
    pub facts: toml::Table,
    /// Folders and files whose path depends on the answers.
    #[serde(default)]
    pub rename: BTreeMap<String, String>,
    /// Rules for files.
    #[serde(default, rename = "file")]
    pub rules: Vec<Rule>,
    /// Where files went since an earlier version, from → to, so that what users changed in them goes along.
    #[serde(default)]
    pub moved: BTreeMap<String, String>,
    /// What files are for, and who owns them later; of those that match a path, the first counts.
    #[serde(default, rename = "role")]
    pub roles: Vec<Role>,
    /// What is asked.
    #[serde(default, rename = "question")]
    pub questions: Vec<Question>,
}

/// A language's `template.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Language {
    /// What the template is.
    pub template: Header,
    /// What a server in this language can be called.
    pub names: Names,
    /// Facts that are the language's own.
    pub facts: toml::Table,
    /// Folders and files whose path depends on the answers.
    #[serde(default)]
    pub rename: BTreeMap<String, String>,
    /// Rules for files, each merged with a shared one for the same file.
    #[serde(default, rename = "file")]
    pub rules: Vec<Rule>,
    /// Where files went since an earlier version, from → to, so that what users changed in them goes along.
    #[serde(default)]
    pub moved: BTreeMap<String, String>,
    /// The files that have a role, by its name.
    #[serde(default)]
    pub roles: BTreeMap<String, Vec<Glob>>,
    /// What is asked beside the shared questions.
    #[serde(default, rename = "question")]
    pub questions: Vec<Question>,
}

/// The heading of a language.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The template's version, which its files are stamped with.
    pub version: String,
    /// The place in lists; the first is the default.
    pub order: u32,
    /// The language in a line.
    pub summary: String,
}

/// What a server's name becomes in the language, and what would get in its way.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Names {
    /// The package that the server lives in; may name `name`.
    pub package: String,
    /// Words that mean something of their own in the language.
    #[serde(default)]
    pub reserved: Vec<String>,
    /// Modules of the template's dependencies.
    #[serde(default)]
    pub shadows: Vec<String>,
}

/// Who owns a generated file later.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// Updates merge into it.
    #[default]
    Managed,
    /// Written once, then the user's.
    Seed,
}

/// What some files are for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// The name of the role, which languages use.
    pub name: String,
    /// Who owns the files later, whatever the language.
    pub policy: Policy,
    /// What writes the files again, if a command does: where an update would conflict, it is named instead.
    #[serde(default)]
    pub command: Option<String>,
    /// The files that have it in all languages; without any, each language has to say which.
    #[serde(default)]
    pub paths: Vec<Glob>,
}

/// What holds for the files that a pattern matches.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The files.
    pub path: Glob,
    /// Whether they can be run.
    pub mode: Option<Mode>,
    /// A condition on the answers; the files are left out when it is false.
    pub when: Option<String>,
}

/// Paths, as they lie under `files/` but without `.tera`; `*` stays within a folder, `**` does not.
#[derive(Clone, Debug)]
pub struct Glob(Pattern);

impl Glob {
    /// Whether it is about `path`.
    pub fn matches(&self, path: &str) -> bool {
        let options = MatchOptions { require_literal_separator: true, ..MatchOptions::new() };
        self.0.matches_with(path, options)
    }

    /// The pattern as it is written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl<'de> Deserialize<'de> for Glob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Pattern::new(&String::deserialize(deserializer)?).map(Self).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_git_attributes_do() {
        let matches = |pattern: &str, path: &str| {
            toml::from_str::<Rule>(&format!("path = {pattern:?}")).unwrap().path.matches(path)
        };
        assert!(matches("src/**", "src/a/b.x"));
        assert!(matches("src/**", "src/b.x"));
        assert!(matches("**/*.sh", "a/b/c.sh"));
        assert!(matches("**/*.sh", "c.sh"));
        assert!(matches("*.md", "README.md"));
        assert!(!matches("*.md", "docs/api.md"));
        assert!(!matches("src/**", "srcs/a"));
        assert!(matches(".env*", ".env.example"));
    }
}
