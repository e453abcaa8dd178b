//! Version numbers held to verdicts.
//!
//! Invariant: breaking and unproved need a higher major version, additive a higher minor one, a warning a higher patch.
//! A server at 0.y.z breaks with y, as cargo and npm read it; a contract always with its major version.

use std::cmp::Ordering;

use serde::Serialize;

use super::change::{Change, Comparison};
use super::rules::Verdict;

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

/// A semantic version.
#[derive(Clone, Debug)]
pub struct Version(semver::Version);

impl Version {
    /// Reads `1.2.3`, with or without `v`, a prerelease or build metadata.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        semver::Version::parse(text.strip_prefix('v').unwrap_or(text)).ok().map(Self)
    }

    /// The next version of this level; `early` when 0.y.z breaks with y.
    #[must_use]
    pub fn next(&self, level: Level, early: bool) -> Self {
        let semver::Version { major, minor, patch, .. } = self.0;
        if self.admits(level, early) {
            return Self(semver::Version::new(major, minor, patch));
        }
        Self(match level {
            Level::Major if early && major == 0 => semver::Version::new(0, minor + 1, 0),
            Level::Major => semver::Version::new(major + 1, 0, 0),
            Level::Minor => semver::Version::new(major, minor + 1, 0),
            Level::Patch => semver::Version::new(major, minor, patch + 1),
            Level::None => self.0.clone(),
        })
    }

    /// Whether `self` is far enough above `old`.
    pub fn suffices(&self, old: &Self, level: Level, early: bool) -> bool {
        let (new, old_version) = (&self.0, &old.0);
        match (level, new.cmp_precedence(old_version)) {
            (_, Ordering::Less) => false,
            (Level::None, _) => true,
            (_, Ordering::Equal) => false,
            _ if old.admits(level, early) => true,
            (Level::Major, _) if early && old_version.major == 0 => {
                (new.major, new.minor) > (0, old_version.minor)
            }
            (Level::Major, _) => new.major > old_version.major,
            (Level::Minor, _) => (new.major, new.minor) > (old_version.major, old_version.minor),
            (Level::Patch, _) => true,
        }
    }

    /// Whether it is a prerelease of a version that may differ by this level from all before it.
    fn admits(&self, level: Level, early: bool) -> bool {
        let semver::Version { major, minor, patch, .. } = self.0;
        !self.0.pre.is_empty()
            && match level {
                Level::Major => patch == 0 && (minor == 0 || early && major == 0),
                Level::Minor => patch == 0,
                Level::Patch | Level::None => true,
            }
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
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
            ("1.2.3-rc.1", "1.2.3-rc.2", Level::Patch, false, true),
            ("1.2.3-rc.2", "1.2.3-rc.2", Level::Patch, false, false),
            ("1.2.3-rc.10", "1.2.3-rc.9", Level::None, false, false),
            ("1.2.3-rc.1", "1.2.3", Level::Minor, false, false),
            ("2.0.0-rc.1", "2.0.0-rc.2", Level::Major, false, true),
            ("2.0.0-rc.1", "2.0.0", Level::Major, false, true),
            ("2.1.0-rc.1", "2.1.0", Level::Major, false, false),
            ("0.3.0-rc.1", "0.3.0", Level::Major, true, true),
            ("1.2.3", "2.0.0-rc.1", Level::Major, false, true),
            ("1.2.3", "1.2.3+build.7", Level::Patch, false, false),
            ("1.2.3", "1.2.3", Level::None, false, true),
            ("1.2.3", "1.2.2", Level::None, false, false),
        ] {
            assert_eq!(version(new).suffices(&version(old), level, early), enough, "{old} {new} {level:?}");
        }
        assert_eq!(version("v0.1.9+x").next(Level::Major, true).to_string(), "0.2.0");
        assert_eq!(version("2.0.0-rc.1").next(Level::Major, false).to_string(), "2.0.0");
        assert!(Version::parse("1.2").is_none() && Version::parse("1.2.3x").is_none());
    }
}
