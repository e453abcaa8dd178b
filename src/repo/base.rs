//! `.cargo-mcp/base.tar.zst`: the files as they were rendered, from which an update finds what the user changed.
//!
//! Reproducible byte for byte: sorted, without times or owners, compressed with fixed parameters. The level is
//! a fast one, since it is part of what `new` takes.

use std::borrow::Cow;
use std::io::{self, Read as _};

use crate::error::{Code, Error, Result};
use crate::path::RepoPath;
use crate::tree::{File, Mode, Tree};

/// Where the archive lies.
pub const PATH: &str = ".cargo-mcp/base.tar.zst";
const LEVEL: i32 = 1;
/// No template comes near it; an archive that does is an attack on memory.
const MAX_UNPACKED: u64 = 64 << 20;

/// Packs `tree`.
pub fn pack(tree: &Tree) -> Result<Vec<u8>> {
    archive(tree).and_then(|tar| zstd::bulk::compress(&tar, LEVEL)).map_err(broken)
}

/// Unpacks an archive, which may come from anyone.
///
/// # Errors
/// When it is broken, too large, or holds anything but plain files at safe paths.
pub fn unpack(packed: &[u8]) -> Result<Tree> {
    let tar = zstd::Decoder::new(packed).map_err(broken)?.take(MAX_UNPACKED);
    let mut tree = Tree::new();
    for entry in tar::Archive::new(tar).entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        if !entry.header().entry_type().is_file() {
            return Err(broken("an entry is not a file"));
        }
        let path = RepoPath::new(String::from_utf8(entry.path_bytes().into_owned()).map_err(broken)?)?;
        let executable = entry.header().mode().map_err(broken)? & 0o100 != 0;
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(broken)?;
        let mode = if executable { Mode::Executable } else { Mode::Plain };
        tree.insert(path, File { bytes: Cow::Owned(bytes), mode });
    }
    Ok(tree)
}

fn archive(tree: &Tree) -> io::Result<Vec<u8>> {
    let mut tar =
        tar::Builder::new(Vec::with_capacity(tree.values().map(|file| file.bytes.len() + 1024).sum()));
    for (path, file) in tree {
        let mut header = tar::Header::new_gnu();
        header.set_size(file.bytes.len() as u64);
        header.set_mode(file.mode.bits());
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        tar.append_data(&mut header, path.as_str(), file.bytes.as_ref())?;
    }
    tar.into_inner()
}

fn broken(reason: impl std::fmt::Display) -> Error {
    Error::new(Code::BaseBroken, format!("{PATH}: {reason}"))
        .hint(format!("take it from the last commit: git checkout {PATH}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Tree {
        let long = format!("{}/file.txt", ["a-rather-long-folder"; 12].join("/"));
        [("b", Mode::Executable), ("a/c", Mode::Plain), (&long, Mode::Plain)]
            .map(|(path, mode)| {
                (RepoPath::new(path).unwrap(), File { bytes: Cow::Owned(path.repeat(99).into_bytes()), mode })
            })
            .into()
    }

    #[test]
    fn what_is_packed_is_unpacked() {
        assert_eq!(unpack(&pack(&tree()).unwrap()), Ok(tree()));
    }

    #[test]
    fn the_same_tree_gives_the_same_bytes() {
        assert_eq!(pack(&tree()), pack(&tree()));
    }

    #[test]
    fn links_unsafe_paths_and_damage_are_refused() {
        let mut link = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        link.append_link(&mut header, "x", "/etc/passwd").unwrap();
        let mut escape = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(0);
        header.as_gnu_mut().unwrap().name[..4].copy_from_slice(b"../x");
        header.set_cksum();
        escape.append(&header, &[][..]).unwrap();
        for tar in [link.into_inner().unwrap(), escape.into_inner().unwrap(), b"junk".repeat(300)] {
            assert!(unpack(&zstd::bulk::compress(&tar, 1).unwrap()).is_err());
        }
        let packed = pack(&tree()).unwrap();
        assert!(unpack(&packed[..packed.len() / 2]).is_err());
        assert!(unpack(b"").is_err());
    }
}
