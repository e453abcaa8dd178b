//! A repository in memory: an ordered map from paths to files, the one form in which all commands exchange it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::path::RepoPath;

/// The permissions that matter in a repository, which are git's.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub enum Mode {
    /// A file to read.
    #[default]
    #[serde(rename = "644")]
    Plain,
    /// A file to run.
    #[serde(rename = "755")]
    Executable,
}

impl Mode {
    /// The permission bits.
    pub const fn bits(self) -> u32 {
        match self {
            Self::Plain => 0o644,
            Self::Executable => 0o755,
        }
    }
}

/// The content and mode of one file; what a template holds verbatim is borrowed from the program itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct File {
    /// What the file holds.
    pub bytes: Cow<'static, [u8]>,
    /// Whether it can be run.
    pub mode: Mode,
}

impl File {
    /// The SHA-256 of the content, in hexadecimal.
    pub fn sha256(&self) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |half: u8| char::from(DIGITS[usize::from(half)]);
        Sha256::digest(&self.bytes).iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
    }
}

/// Files by path.
pub type Tree = BTreeMap<RepoPath, File>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_the_one_that_sha256sum_prints() {
        let file = File { bytes: Cow::Borrowed(b"abc"), mode: Mode::Plain };
        assert_eq!(file.sha256(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
