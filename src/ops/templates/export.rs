//! Writes a built-in template out as a folder, to start a template of one's own from.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::error::Result;
use crate::plan::Plan;
use crate::template::{Library, overlay};
use crate::write::{self, Sink, Target};

/// What was written.
#[derive(Debug, Serialize)]
pub struct Exported {
    /// The language.
    pub language: String,
    /// The folder, without symbolic links.
    pub path: PathBuf,
    /// How many files it has.
    pub files: usize,
}

/// Writes the template of `language` to `folder`.
///
/// # Errors
/// When there is no such language, or the folder cannot take a template; the disk is then as it was.
pub fn run(language: &str, folder: &Path) -> Result<Exported> {
    let target = Target::inspect(folder)?;
    let library = Library::embedded();
    let language = library.named(language)?.language;
    let tree = overlay::export(library, &language)?;
    let files = tree.len();
    write::apply(&target, &Plan::create(tree), Sink::Disk)?;
    Ok(Exported { language, path: target.path, files })
}
