//! `.cargo-mcp/manifest.toml`: what was generated, from what, and with which answers.
//!
//! Written by hand rather than by a serialiser, one line a file, so that an update changes only the lines it
//! is about; read strictly, since by then it is untrusted input.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

use crate::error::{Code, Error, Result};
use crate::path::RepoPath;
use crate::template::Template;
use crate::template::answers::Answers;
use crate::template::filters::quote;
use crate::template::render::Rendered;
use crate::template::spec::Policy;

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
    /// The answers by key, the name among them.
    pub answers: BTreeMap<String, String>,
    /// What was generated.
    pub files: BTreeMap<RepoPath, Entry>,
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
    #[must_use]
    pub fn of(template: &Template, answers: &Answers, rendered: &Rendered) -> Self {
        let entry = |path| if rendered.seeds.contains(path) { Policy::Seed } else { Policy::Managed };
        let files = rendered.tree.iter();
        Self {
            schema: SCHEMA,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            language: template.language.to_owned(),
            template_version: template.spec.template.version.clone(),
            answers: std::iter::once(("name".to_owned(), answers.name.clone()))
                .chain(answers.values.clone())
                .collect(),
            files: files
                .map(|(path, file)| (path.clone(), Entry { policy: entry(path), sha256: file.sha256() }))
                .collect(),
        }
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// When it is broken, unsafe, or of a later schema.
    pub fn parse(text: &str) -> Result<Self> {
        let manifest: Self = toml::from_str(text)
            .map_err(|error| Error::new(Code::Io, format!("{PATH}: {}", error.message())))?;
        if manifest.schema > SCHEMA {
            return Err(Error::new(Code::Io, format!("{PATH} was written by a later cargo-mcp"))
                .hint(format!("install cargo-mcp {} or newer", manifest.tool_version)));
        }
        Ok(manifest)
    }

    /// The text of the manifest.
    #[must_use]
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
        out.push_str("\n[answers]\n");
        for (key, value) in &self.answers {
            let _ = writeln!(out, "{key} = {}", quote(value));
        }
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
        let error = Manifest::parse(&manifest().text().replace("schema = 1", "schema = 2")).unwrap_err();
        assert!(error.message.contains("later cargo-mcp"), "{error}");
    }
}
