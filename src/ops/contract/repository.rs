//! What a repository of ours says about itself: how its server is started, and where its version stands.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;
use serde::Deserialize;

use crate::client::Server;
use crate::error::{Code, Error, Result};
use crate::manifest::{self, Manifest};
use crate::template::answers::{Answers, LANGUAGE, NAME};
use crate::template::{Template, render};

/// A repository that this program wrote.
#[derive(Debug)]
pub struct Repository {
    /// Its folder.
    pub folder: PathBuf,
    facts: Facts,
}

#[derive(Debug, Deserialize)]
struct Facts {
    command: String,
    args: Vec<String>,
    build_step: String,
    #[serde(default)]
    contract_env: BTreeMap<String, String>,
    #[serde(default)]
    version_files: Vec<VersionFile>,
    #[serde(default)]
    paths: HashMap<String, String>,
}

#[derive(Clone, Debug, Deserialize)]
struct VersionFile {
    path: String,
    pattern: String,
}

impl Repository {
    /// The repository in a folder, if it is one of ours.
    ///
    /// # Errors
    /// When its manifest or its template is broken.
    pub fn find(folder: &Path) -> Result<Option<Self>> {
        let Ok(text) = fs::read_to_string(folder.join(manifest::PATH)) else { return Ok(None) };
        let manifest = Manifest::parse(&text)?;
        let template = Template::named(&manifest.language)?;
        let given = manifest.answers.into_iter().filter(|(key, _)| key != LANGUAGE);
        let (names, values): (BTreeMap<_, _>, _) = given.partition(|(key, _)| key == NAME);
        let name = names.into_values().next().unwrap_or_default();
        let facts = render::facts(&template, &Answers { name, values })?;
        let facts =
            facts.try_into().map_err(|error| Error::new(Code::Template, format!("[facts]: {error}")))?;
        Ok(Some(Self { folder: folder.to_owned(), facts }))
    }

    /// Its server, with every tool switched on.
    ///
    /// # Errors
    /// When it is not built yet.
    pub fn server(&self) -> Result<Server> {
        let own = Path::new(&self.facts.command);
        let program = if own.components().count() > 1 { self.folder.join(own) } else { own.to_owned() };
        let built =
            own.components().count() < 2 || program.exists() || program.with_extension("exe").exists();
        if !built {
            let error = Error::new(
                Code::Server,
                format!("{} is not there: the server is not built", self.facts.command),
            );
            return Err(error.hint(format!("run {} first", self.facts.build_step)));
        }
        let words = std::iter::once(program.to_string_lossy().into_owned())
            .chain(self.facts.args.iter().cloned())
            .collect();
        Ok(Server::Program {
            words,
            settings: self.facts.contract_env.clone(),
            folder: Some(self.folder.clone()),
        })
    }

    /// The file in which the code states its contracts.
    #[must_use]
    pub fn registry(&self) -> Option<&str> {
        self.facts.paths.get("registry").map(String::as_str)
    }

    /// The project's version.
    ///
    /// # Errors
    /// When the file that states it does not.
    pub fn version(&self) -> Result<Option<String>> {
        let Some(file) = self.facts.version_files.first() else { return Ok(None) };
        let text = fs::read_to_string(self.folder.join(&file.path))
            .map_err(|error| Error::new(Code::Io, format!("cannot read {}: {error}", file.path)))?;
        let pattern = pattern(file)?;
        let found =
            pattern.captures(&text).and_then(|found| found.get(1)).map(|group| group.as_str().to_owned());
        found
            .map(Some)
            .ok_or_else(|| Error::new(Code::ContractInvalid, format!("{} states no version", file.path)))
    }

    /// Every file that states the version, with the text that states `version` instead.
    ///
    /// # Errors
    /// When the facts are broken.
    pub fn with_version(&self, version: &str) -> Result<BTreeMap<String, String>> {
        let mut texts: BTreeMap<String, String> = BTreeMap::new();
        for file in &self.facts.version_files {
            let before = match texts.get(&file.path) {
                Some(text) => text.clone(),
                None => match fs::read_to_string(self.folder.join(&file.path)) {
                    Ok(text) => text,
                    Err(_) => continue,
                },
            };
            let mut after = String::new();
            let mut place = 0;
            for group in pattern(file)?.captures_iter(&before).filter_map(|found| found.get(1)) {
                after.push_str(&before[place..group.start()]);
                after.push_str(version);
                place = group.end();
            }
            after.push_str(&before[place..]);
            texts.insert(file.path.clone(), after);
        }
        Ok(texts)
    }
}

fn pattern(file: &VersionFile) -> Result<Regex> {
    Regex::new(&file.pattern).map_err(|error| Error::new(Code::Template, format!("version_files: {error}")))
}
