//! What was given on the command line: answers, those of the file that it names, and where the template is from.

use std::fs;
use std::path::{Path, PathBuf};

use crate::commands::at;
use crate::error::{Code, Error, Result};
use crate::git;
use crate::template::answers::{self, Given};
use crate::template::origin::Origin;

/// The answers of `--set` over those of the file.
pub fn gather(here: &Path, file: Option<&PathBuf>, set: &[String]) -> Result<Given> {
    let mut given = match file {
        None => Given::new(),
        Some(path) => fs::read_to_string(at(here, path))
            .map_err(|error| Error::new(Code::AnswersFile, error.to_string()))
            .and_then(|text| answers::parse(&text))
            .map_err(|error| Error { message: format!("{}: {}", path.display(), error.message), ..error })?,
    };
    for pair in set {
        let Some((key, value)) = pair.split_once('=') else {
            return Err(Error::new(Code::Usage, format!("--set {pair}: expected KEY=VALUE")));
        };
        given.insert(key.to_owned(), value.to_owned());
    }
    Ok(given)
}

/// Where the template is from that was named, if one was.
pub fn origin(template: Option<&str>, reference: Option<&str>, here: &Path) -> Result<Option<Origin>> {
    template.map(|from| Origin::given(from, reference, here)).transpose()
}

/// Adds git's user as the author, where none was given.
pub fn author(given: &mut Given, here: &Path) {
    const AUTHOR: &str = "author";
    if !given.contains_key(AUTHOR)
        && let Some(author) = git::user_name(here).filter(|author| !author.contains(char::is_control))
    {
        given.insert(AUTHOR.to_owned(), author);
    }
}

/// The last part of a path, also of `.` and the like.
pub fn last_part(path: &Path, given: &Path) -> Result<String> {
    let whole = given.file_name().is_none().then(|| path.canonicalize().ok()).flatten();
    let name = whole.as_deref().unwrap_or(given).file_name().and_then(|name| name.to_str());
    name.map(ToOwned::to_owned).ok_or_else(|| {
        Error::new(Code::NameMissing, format!("{} gives the server no name", given.display()))
            .hint("add one: --name my-server")
    })
}
