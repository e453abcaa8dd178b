//! A repository that this program wrote: what it records of itself, and what is on the disk.
//!
//! It knows what its own template version knew, whatever this program's templates say today.

pub mod base;
pub mod manifest;
mod version;

use std::path::{Path, PathBuf};

use crate::client::Server;
use crate::error::{Code, Error, Result};
use crate::path::RepoPath;
use crate::read;
use crate::template::Template;
use crate::template::answers::Answers;
use crate::tree::{File, Mode, Tree};
use manifest::Manifest;

/// How many files the tool keeps in a repository for itself.
pub const OWN_FILES: usize = 2;

/// The files that the tool keeps in a repository for itself: the base of updates, and last the manifest.
///
/// # Errors
/// When the files cannot be packed.
pub fn own_files(manifest: &Manifest, rendered: &Tree) -> Result<Tree> {
    let own: [_; OWN_FILES] =
        [(base::PATH, base::pack(rendered)?), (manifest::PATH, manifest.text().into_bytes())];
    own.into_iter()
        .map(|(path, bytes)| Ok((RepoPath::new(path)?, File { bytes: bytes.into(), mode: Mode::Plain })))
        .collect()
}

/// A repository on the disk.
#[derive(Debug)]
pub struct Repository {
    /// Its folder.
    pub folder: PathBuf,
    /// What it records of itself.
    pub manifest: Manifest,
}

impl Repository {
    /// The repository in a folder, if it is one of ours.
    ///
    /// # Errors
    /// When its manifest is broken, or a later cargo-mcp wrote it.
    pub fn find(folder: &Path) -> Result<Option<Self>> {
        let Some(file) = read::file(folder, &RepoPath::new(manifest::PATH)?)? else { return Ok(None) };
        let manifest = Manifest::parse(&String::from_utf8_lossy(&file.bytes))?;
        Ok(Some(Self { folder: folder.to_owned(), manifest }))
    }

    /// The files as they were rendered.
    ///
    /// # Errors
    /// When the archive is missing, broken or unsafe.
    pub fn base(&self) -> Result<Tree> {
        let missing = || Error::new(Code::BaseBroken, format!("{} is missing", base::PATH));
        let file = read::file(&self.folder, &RepoPath::new(base::PATH)?)?.ok_or_else(missing)?;
        base::unpack(&file.bytes)
    }

    /// The generated files that are on the disk, as they are now.
    ///
    /// # Errors
    /// When one of them is no file, or too long.
    pub fn tree(&self) -> Result<Tree> {
        read::files(&self.folder, self.manifest.files.keys())
    }

    /// The answers that it was made with, checked against `template`: a question of today that was not asked then
    /// has its default.
    ///
    /// # Errors
    /// When an answer is no longer possible.
    pub fn answers(&self, template: &Template) -> Result<Answers> {
        Answers::complete(template, &self.manifest.answers)
    }

    /// Its server, with every tool switched on.
    ///
    /// # Errors
    /// When it is not built yet.
    pub fn server(&self) -> Result<Server> {
        let facts = &self.manifest.facts;
        if !self.folder.join(&facts.built).exists() {
            let message = format!("{} is not there: the server is not built", facts.built);
            return Err(Error::new(Code::Server, message).hint(format!("run {} first", facts.build_step)));
        }
        let own = Path::new(&facts.command);
        let program = if own.components().count() > 1 { self.folder.join(own) } else { own.to_owned() };
        let program = program.to_string_lossy().into_owned();
        Ok(Server::Program {
            words: std::iter::once(program).chain(facts.args.iter().cloned()).collect(),
            settings: facts.contract_env.clone(),
            folder: Some(self.folder.clone()),
        })
    }

    /// The project's version.
    ///
    /// # Errors
    /// When the file that states it does not.
    pub fn version(&self) -> Result<Option<String>> {
        let Some(file) = self.manifest.facts.version_files.first() else { return Ok(None) };
        let no_version =
            || Error::new(Code::Unreadable, format!("{} states no version at {}", file.path, file.key));
        let there = read::file(&self.folder, &RepoPath::new(file.path.as_str())?)?.ok_or_else(no_version)?;
        version::stated(file, &String::from_utf8_lossy(&there.bytes))?.ok_or_else(no_version).map(Some)
    }

    /// Every file that states the version, stating `version` instead.
    ///
    /// # Errors
    /// When one of them cannot be understood.
    pub fn with_version(&self, version: &str) -> Result<Tree> {
        let mut tree = Tree::new();
        for file in &self.manifest.facts.version_files {
            let path = RepoPath::new(file.path.as_str())?;
            let there = match tree.remove(&path) {
                Some(there) => Some(there),
                None => read::file(&self.folder, &path)?,
            };
            if let Some(File { bytes, mode }) = there {
                let text = version::restated(file, &String::from_utf8_lossy(&bytes), version)?;
                tree.insert(path, File { bytes: text.into_bytes().into(), mode });
            }
        }
        Ok(tree)
    }
}
