//! Paths of a generated repository: relative, `/` between the parts, and never out of the repository.
//!
//! They come from templates and manifests, which are untrusted input: whatever could leave the target, reach
//! into `.git`, or mean something else on another system is refused when the path is made.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Code, Error, Result};

/// Names that Windows keeps for devices, whatever their extension.
const DEVICES: &[&str] = &["aux", "con", "conin$", "conout$", "nul", "prn"];

/// A checked path inside a repository.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepoPath(String);

impl RepoPath {
    /// Checks `path`.
    ///
    /// # Errors
    /// When the path is not relative, plain and portable.
    pub fn new(path: impl Into<String>) -> Result<Self> {
        let path = path.into();
        match path.split('/').find_map(|part| fault(part).map(|reason| (part, reason))) {
            None => Ok(Self(path)),
            Some((part, reason)) => {
                Err(Error::new(Code::PathUnsafe, format!("unsafe path {path:?}: {part:?} {reason}")))
            }
        }
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path below `root`.
    pub fn below(&self, root: &Path) -> PathBuf {
        root.join(&self.0)
    }

    /// The folders that hold the path, the outermost first.
    pub fn folders(&self) -> impl Iterator<Item = &str> {
        self.0.match_indices('/').map(|(end, _)| &self.0[..end])
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for RepoPath {
    type Error = Error;

    fn try_from(path: String) -> Result<Self> {
        Self::new(path)
    }
}

impl From<RepoPath> for String {
    fn from(path: RepoPath) -> Self {
        path.0
    }
}

/// Whether Windows takes `name` for a device.
pub fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    let numbered =
        |prefix| stem.strip_prefix(prefix).is_some_and(|n| n.len() == 1 && n.parse::<u8>().is_ok());
    DEVICES.contains(&stem.as_str()) || numbered("com") || numbered("lpt")
}

/// What is wrong with one part of a path.
fn fault(part: &str) -> Option<&'static str> {
    if part.is_empty() {
        Some("is empty")
    } else if part == "." || part == ".." {
        Some("is not a name")
    } else if part.chars().any(|c| c.is_control() || "\\:*?\"<>|".contains(c)) {
        Some("holds a character that is not portable")
    } else if part.ends_with(['.', ' ']) {
        Some("ends in a dot or a space")
    } else if part.eq_ignore_ascii_case(".git") || part.eq_ignore_ascii_case("git~1") {
        Some("belongs to git")
    } else if is_device(part) {
        Some("is a device on Windows")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_paths_pass() {
        for path in
            ["README.md", ".github/workflows/ci.yml", ".gitignore", "src/a b/c.d", "gut/ü", "common/x"]
        {
            assert_eq!(RepoPath::new(path).map(|p| p.to_string()).as_deref(), Ok(path));
        }
    }

    #[test]
    fn whatever_could_leave_the_repository_is_refused() {
        for path in [
            "",
            "/",
            "/etc/passwd",
            "..",
            "../x",
            "a/../../x",
            "a/..",
            "a//b",
            "a/",
            "./a",
            "a/./b",
            "a\\..\\b",
            "C:/x",
            "c:x",
            "//host/share",
            "\\\\host",
            "~/../..",
            "a\0b",
            "a\nb",
            ".git",
            ".git/hooks/x",
            "a/.GIT/b",
            "git~1/config",
            "x/nul",
            "CON.txt",
            "com1",
            "a.",
            "a /b",
            "a\u{85}b",
        ] {
            let refused = RepoPath::new(path);
            assert_eq!(refused.map_err(|e| e.code), Err(Code::PathUnsafe), "{path:?}");
        }
    }

    #[test]
    fn folders_are_listed_from_the_outside() {
        let path = RepoPath::new("a/b/c.txt").unwrap();
        assert_eq!(path.folders().collect::<Vec<_>>(), ["a", "a/b"]);
        assert_eq!(path.below(Path::new("/r")), Path::new("/r/a/b/c.txt"));
    }
}
