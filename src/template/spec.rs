//! `template.toml`: what a language says of itself, so that no code needs to know it.

use std::collections::BTreeMap;

use glob::{MatchOptions, Pattern};
use serde::{Deserialize, Deserializer, de};

use crate::tree::Mode;

/// One `template.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// What the template is; the shared one says nothing here.
    #[serde(default)]
    pub template: Header,
    /// Names that a server in this language cannot have.
    #[serde(default)]
    pub names: Names,
    /// What templates and commands need to know of the language.
    #[serde(default)]
    pub facts: toml::Table,
    /// Folders and files whose path depends on the answers.
    #[serde(default)]
    pub rename: BTreeMap<String, String>,
    /// Rules for files; of those that match, the first that says something of a matter counts.
    #[serde(default, rename = "file")]
    pub rules: Vec<Rule>,
    /// What is asked.
    #[serde(default, rename = "question")]
    pub questions: Vec<Question>,
}

/// The heading of a language.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The language as people write it.
    pub title: String,
    /// The template's version, which its files are stamped with.
    pub version: String,
    /// The place in lists; the first is the default.
    pub order: u32,
    /// The language in a line.
    pub summary: String,
}

/// Package names that would get in the way.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Names {
    /// Words and standard modules of the language.
    #[serde(default)]
    pub reserved: Vec<String>,
    /// Modules of the template's dependencies.
    #[serde(default)]
    pub shadows: Vec<String>,
}

/// Something to ask the user.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The name of the answer, in templates and in answer files.
    pub key: String,
    /// What is asked on a terminal; without it the question is never asked.
    #[serde(default)]
    pub prompt: Option<String>,
    /// The answer when none is given; may name `name` and `package`.
    pub default: String,
    /// The possible answers; none means any text.
    #[serde(default)]
    pub choices: Vec<String>,
    /// What the answer is for.
    pub help: String,
}

/// Who owns a generated file later.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// Updates merge into it.
    #[default]
    Managed,
    /// Written once, then the user's.
    Seed,
}

/// What holds for the files that a pattern matches.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The paths, as they lie under `files/` but without `.tera`.
    #[serde(deserialize_with = "pattern")]
    pub path: Pattern,
    /// Who owns the files later.
    pub policy: Option<Policy>,
    /// Whether they can be run.
    pub mode: Option<Mode>,
    /// A condition on the answers; the files are left out when it is false.
    pub when: Option<String>,
}

impl Rule {
    /// Whether the rule is about `path`; `*` stays within a folder, `**` does not.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        let options = MatchOptions { require_literal_separator: true, ..MatchOptions::new() };
        self.path.matches_with(path, options)
    }
}

fn pattern<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Pattern, D::Error> {
    Pattern::new(&String::deserialize(deserializer)?).map_err(de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_git_attributes_do() {
        let matches = |pattern: &str, path: &str| {
            toml::from_str::<Rule>(&format!("path = {pattern:?}")).unwrap().matches(path)
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

    #[test]
    fn a_misspelt_key_is_an_error() {
        assert!(toml::from_str::<Spec>("[[file]]\npath = 'x'\npolcy = 'seed'").is_err());
        assert!(toml::from_str::<Spec>("[[file]]\npath = 'x'\npolicy = 'sown'").is_err());
        assert!(toml::from_str::<Spec>("[fact]\n").is_err());
    }
}
