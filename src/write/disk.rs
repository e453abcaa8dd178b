//! The calls that change a disk, and nothing else: a test can put itself between any two of them.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use crate::tree::Mode;

/// Something that can be written to.
pub trait Disk {
    /// Makes a folder in one that exists.
    fn create_dir(&self, path: &Path) -> io::Result<()>;
    /// Writes a file where nothing is.
    fn create_file(&self, path: &Path, bytes: &[u8], mode: Mode) -> io::Result<()>;
    /// Renames within a file system.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    /// Makes a file one to run, or one that is not.
    fn set_mode(&self, path: &Path, mode: Mode) -> io::Result<()>;
    /// Removes a folder that is empty.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;
    /// Removes a folder and all in it, following no link.
    fn remove_dir_all(&self, path: &Path) -> io::Result<()>;
    /// Gives a file or folder the permissions of another.
    fn set_permissions(&self, path: &Path, permissions: fs::Permissions) -> io::Result<()>;
}

/// The file system.
#[derive(Debug)]
pub struct Real;

impl Disk for Real {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)
    }

    fn create_file(&self, path: &Path, bytes: &[u8], mode: Mode) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode.bits() | 0o22);
        #[cfg(not(unix))]
        let _ = mode;
        options.open(path)?.write_all(bytes)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn set_mode(&self, path: &Path, mode: Mode) -> io::Result<()> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let bits = fs::metadata(path)?.permissions().mode();
            // Who may read it may run it.
            let bits = if mode == Mode::Executable { bits | (bits & 0o444) >> 2 } else { bits & !0o111 };
            fs::set_permissions(path, fs::Permissions::from_mode(bits))
        }
        #[cfg(not(unix))]
        {
            let _ = (path, mode);
            Ok(())
        }
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir_all(path)
    }

    fn set_permissions(&self, path: &Path, permissions: fs::Permissions) -> io::Result<()> {
        fs::set_permissions(path, permissions)
    }
}
