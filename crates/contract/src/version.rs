//! Version numbers held to verdicts.
//!
//! Invariant: breaking and unproved need a higher major version, additive a higher minor one, a warning a higher patch.
//! A server at 0.y.z breaks with y, as cargo and npm read it; a contract always with its major version.

use serde::Serialize;

use super::change::{Change, Comparison};
use super::kinds::Verdict;

/// The part of a version that has to rise.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing has to.
    None,
    /// The last number.
    Patch,
    /// The middle one.
    Minor,
    /// The first.
    Major,
}

/// A semantic version, as far as it counts here.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Version {
    numbers: [u64; 3],
    /// False for a prerelease, which comes before its release.
    released: bool,
}

impl Version {
    /// Reads `1.2.3`, with or without `v`, a prerelease or build metadata.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches('v');
        let text = text.split_once('+').map_or(text, |(version, _)| version);
        let mut parts = text.splitn(3, '.');
        let (major, minor, rest) = (parts.next()?, parts.next()?, parts.next()?);
        let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
        let numbers = [major.parse().ok()?, minor.parse().ok()?, rest[..end].parse().ok()?];
        Some(Self { numbers, released: end == rest.len() })
    }

    /// The next version of this level; `early` when 0.y.z breaks with y.
    #[must_use]
    pub fn next(&self, level: Level, early: bool) -> Self {
        let [major, minor, patch] = self.numbers;
        let numbers = match level {
            Level::Major if early && major == 0 => [0, minor + 1, 0],
            Level::Major => [major + 1, 0, 0],
            Level::Minor => [major, minor + 1, 0],
            Level::Patch => [major, minor, patch + 1],
            Level::None => self.numbers,
        };
        Self { numbers, released: true }
    }

    /// Whether `self` is far enough above `old`.
    #[must_use]
    pub fn suffices(&self, old: &Self, level: Level, early: bool) -> bool {
        let ([major, minor, _], [old_major, old_minor, _]) = (self.numbers, old.numbers);
        match level {
            Level::Major if early && old_major == 0 => (major, minor) > (0, old_minor),
            Level::Major => major > old_major,
            Level::Minor => (major, minor) > (old_major, old_minor),
            Level::Patch => self > old,
            Level::None => self >= old,
        }
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [major, minor, patch] = self.numbers;
        write!(f, "{major}.{minor}.{patch}")
    }
}

/// What a change asks of a version.
#[must_use]
pub const fn level(change: &Change) -> Level {
    match change.verdict {
        Verdict::None => Level::None,
        Verdict::Warning => Level::Patch,
        Verdict::Additive => Level::Minor,
        Verdict::Unknown if change.acknowledged => Level::Minor,
        Verdict::Unknown | Verdict::Breaking => Level::Major,
    }
}

/// What all changes together ask of the server's version.
#[must_use]
pub fn level_of(comparison: &Comparison) -> Level {
    comparison.changes.iter().map(level).max().unwrap_or(Level::None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    #[test]
    fn a_version_suffices_when_the_right_number_rose() {
        for (old, new, level, early, enough) in [
            ("1.2.3", "2.0.0", Level::Major, false, true),
            ("1.2.3", "1.3.0", Level::Major, false, false),
            ("0.2.3", "0.3.0", Level::Major, true, true),
            ("0.2.3", "0.3.0", Level::Major, false, false),
            ("0.2.3", "0.2.4", Level::Major, true, false),
            ("0.2.3", "1.0.0", Level::Major, true, true),
            ("1.2.3", "1.3.0", Level::Minor, false, true),
            ("1.2.3", "1.2.4", Level::Minor, false, false),
            ("1.2.3", "1.2.4", Level::Patch, false, true),
            ("1.2.3", "1.2.3", Level::Patch, false, false),
            ("1.2.3-rc.1", "1.2.3", Level::Patch, false, true),
            ("1.2.3", "1.2.3", Level::None, false, true),
            ("1.2.3", "1.2.2", Level::None, false, false),
        ] {
            assert_eq!(version(new).suffices(&version(old), level, early), enough, "{old} {new} {level:?}");
        }
        assert_eq!(version("v0.1.9+x").next(Level::Major, true).to_string(), "0.2.0");
        assert!(Version::parse("1.2").is_none());
    }
}
