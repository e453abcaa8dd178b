//! `.cargo-mcp/manifest.toml`: what was generated, from what, and with which answers.
//!
//! Written by hand rather than by a serialiser, one line a file, so that an update changes only the lines it
//! is about; read strictly, since by then it is untrusted input.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::error::{Code, Error, Result};
use crate::path::RepoPath;
use crate::template::Template;
use crate::template::answers::Answers;
use crate::template::facts::{self, VersionFile};
use crate::template::origin::Origin;
use crate::template::render::Rendered;
use crate::template::spec::Policy;
use crate::text::escape::quote;

/// Where the manifest lies.
pub const PATH: &str = ".cargo-mcp/manifest.toml";
const SCHEMA: u32 = 1;

/// A manifest.
#[derive(Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    schema: u32,
    /// The version of the tool that wrote the repository.
    pub tool_version: String,
    /// The language of the server.
    pub language: String,
    /// The version of the language's template.
    pub template_version: String,
    /// Where the template is from, when it is not the tool's own.
    #[serde(default)]
    pub template: Option<Origin>,
    /// The answers by key, the name among them.
    pub answers: BTreeMap<String, String>,
    /// What commands need to know of the repository.
    pub facts: Facts,
    /// What was generated.
    pub files: BTreeMap<RepoPath, Entry>,
}

/// What a manifest of any schema says.
#[derive(Deserialize)]
struct Head {
    schema: u32,
    tool_version: String,
}

/// The facts that commands work with, as they were when the repository was written.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// The program that serves.
    pub command: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// A file that is there once it can be started.
    pub built: String,
    /// What makes it.
    pub build_step: String,
    /// The file in which the code states its tools.
    pub registry: String,
    /// The settings that switch every tool on.
    pub contract_env: BTreeMap<String, String>,
    /// Where the version stands.
    pub version_files: Vec<VersionFile>,
}

impl Facts {
    fn of(facts: &facts::Facts) -> Self {
        Self {
            command: facts.command.clone(),
            args: facts.args.clone(),
            built: facts.built.clone(),
            build_step: facts.build_step.clone(),
            registry: facts.paths.get("registry").cloned().unwrap_or_default(),
            contract_env: facts.contract_env.clone(),
            version_files: facts.version_files.clone(),
        }
    }

    /// The table of the facts, whose strings come from a template and are quoted as all others.
    fn text(&self) -> String {
        let list = |items: &[String]| items.iter().map(|item| quote(item)).collect::<Vec<_>>().join(", ");
        let mut out = String::from("[facts]\n");
        for (key, value) in [
            ("command", &self.command),
            ("built", &self.built),
            ("build_step", &self.build_step),
            ("registry", &self.registry),
        ] {
            let _ = writeln!(out, "{key} = {}", quote(value));
        }
        let _ = writeln!(out, "args = [{}]", list(&self.args));
        let settings =
            self.contract_env.iter().map(|(key, value)| format!("{} = {}", quote(key), quote(value)));
        let _ = writeln!(out, "contract_env = {{ {} }}", settings.collect::<Vec<_>>().join(", "));
        out.push_str("version_files = [\n");
        for VersionFile { path, key } in &self.version_files {
            let _ = writeln!(out, "  {{ path = {}, key = {} }},", quote(path), quote(key));
        }
        out + "]\n"
    }
}

/// What is recorded of a file.
#[derive(Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Who owns the file now.
    pub policy: Policy,
    /// The SHA-256 of what was generated.
    pub sha256: String,
}

impl Manifest {
    /// Records what `template` rendered with `answers`.
    pub fn of(template: &Template, answers: &Answers, rendered: &Rendered) -> Self {
        let entry = |path| rendered.policies.get(path).copied().unwrap_or_default();
        let files = rendered.tree.iter();
        Self {
            schema: SCHEMA,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            language: template.language.clone(),
            template_version: template.spec.template.version.clone(),
            template: None,
            answers: std::iter::once(("name".to_owned(), answers.name.clone()))
                .chain(answers.values.clone())
                .collect(),
            facts: Facts::of(&rendered.facts),
            files: files
                .map(|(path, file)| (path.clone(), Entry { policy: entry(path), sha256: file.sha256() }))
                .collect(),
        }
    }

    /// Records where the template is from, when it is not the tool's own.
    #[must_use]
    pub fn from(self, template: Option<Origin>) -> Self {
        Self { template, ..self }
    }

    /// Leaves a file to its owner: no update merges into it.
    pub fn leave(&mut self, path: &RepoPath) {
        if let Some(entry) = self.files.get_mut(path) {
            entry.policy = Policy::Seed;
        }
    }

    /// Takes over from the manifest before: a file that was left to the user stays his, and where nothing else
    /// differs, the version of the tool does not either.
    pub fn keep(&mut self, before: &Self) {
        for (path, entry) in &mut self.files {
            if before.files.get(path).is_some_and(|old| old.policy == Policy::Seed) {
                entry.policy = Policy::Seed;
            }
        }
        let newer = std::mem::replace(&mut self.tool_version, before.tool_version.clone());
        if self != before {
            self.tool_version = newer;
        }
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// When it is broken, unsafe, or of a later schema.
    pub fn parse(text: &str) -> Result<Self> {
        let broken = |error: toml::de::Error| {
            Error::new(Code::ManifestBroken, format!("{PATH}: {}", error.message().replace('\n', " ")))
                .hint(format!("take it from the last commit: git checkout {PATH}"))
        };
        let head: Head = toml::from_str(text).map_err(broken)?;
        if head.schema > SCHEMA {
            let message = format!("{PATH} was written by a later cargo-mcp, {}", head.tool_version);
            return Err(Error::new(Code::ManifestLater, message)
                .hint(format!("install cargo-mcp {} or newer", head.tool_version)));
        }
        toml::from_str(text).map_err(broken)
    }

    /// The text of the manifest.
    pub fn text(&self) -> String {
        let mut out = String::from("# Written by cargo-mcp, which needs it to update this repository.\n");
        let _ = writeln!(out, "schema = {}", self.schema);
        for (key, value) in [
            ("tool_version", &self.tool_version),
            ("language", &self.language),
            ("template_version", &self.template_version),
        ] {
            let _ = writeln!(out, "{key} = {}", quote(value));
        }
        if let Some(Origin { from, reference, revision }) = &self.template {
            let _ = writeln!(out, "\n[template]\nfrom = {}", quote(from));
            for (key, value) in [("ref", reference), ("revision", revision)] {
                let _ = value.iter().try_for_each(|value| writeln!(out, "{key} = {}", quote(value)));
            }
        }
        out.push_str("\n[answers]\n");
        for (key, value) in &self.answers {
            let _ = writeln!(out, "{key} = {}", quote(value));
        }
        let _ = write!(out, "\n{}", self.facts.text());
        out.push_str("\n[files]\n");
        for (path, Entry { policy, sha256 }) in &self.files {
            let policy = match policy {
                Policy::Managed => "managed",
                Policy::Seed => "seed",
            };
            let _ = writeln!(
                out,
                "{} = {{ policy = \"{policy}\", sha256 = \"{sha256}\" }}",
                quote(path.as_str())
            );
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let answers = [("name", "my-server"), ("description", "\"\\ $(x) {{ }} \u{202e} \u{2028} 👩‍🚀 # é")];
        Manifest {
            schema: SCHEMA,
            tool_version: "0.1.0".into(),
            language: "klingon".into(),
            template_version: "0.2.0".into(),
            template: None,
            facts: Facts {
                command: "node".into(),
                args: vec!["a \"b\"".into()],
                contract_env: [("A".to_owned(), "é\n".to_owned())].into(),
                version_files: vec![VersionFile { path: "x.json".into(), key: "/version".into() }],
                ..Facts::default()
            },
            answers: answers.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
            files: [("a b.md", Policy::Managed), ("src/x", Policy::Seed)]
                .map(|(path, policy)| (RepoPath::new(path).unwrap(), Entry { policy, sha256: "00".into() }))
                .into(),
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        assert_eq!(Manifest::parse(&manifest().text()), Ok(manifest()));
    }

    #[test]
    fn a_path_out_of_the_repository_is_refused() {
        for path in ["../x", "/etc/passwd", ".git/config", "a/../../b"] {
            let text = manifest().text().replace("a b.md", path);
            assert!(Manifest::parse(&text).is_err(), "{path}");
        }
    }

    #[test]
    fn a_later_schema_is_refused_by_name() {
        let later = manifest().text().replace("schema = 1", "schema = 2\nunheard_of = true");
        assert_eq!(Manifest::parse(&later).unwrap_err().code, Code::ManifestLater);
        assert_eq!(Manifest::parse("schema = 1").unwrap_err().code, Code::ManifestBroken);
    }
}
