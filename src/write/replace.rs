//! One file of an existing repository, written whole or not at all.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use crate::error::Result;
use crate::path::RepoPath;
use crate::write::failed;

/// Writes `bytes` to `path` below `root`, making its folders; false when they are there already.
///
/// # Errors
/// When the disk refuses; the file is then as it was.
pub fn replace(root: &Path, path: &RepoPath, bytes: &[u8]) -> Result<bool> {
    let target = path.below(root);
    if fs::read(&target).is_ok_and(|there| there == bytes) {
        return Ok(false);
    }
    let folder = target.parent().unwrap_or(root);
    fs::create_dir_all(folder).map_err(|error| failed("create", folder, &error))?;
    let staging = target.with_extension(format!("{}.tmp", std::process::id()));
    let written = fs::File::create(&staging).and_then(|mut file| {
        file.write_all(bytes)?;
        if let Ok(there) = fs::metadata(&target) {
            file.set_permissions(there.permissions())?;
        }
        fs::rename(&staging, &target)
    });
    written.map_err(|error| {
        let _ = fs::remove_file(&staging);
        failed("write", &target, &error)
    })?;
    Ok(true)
}
