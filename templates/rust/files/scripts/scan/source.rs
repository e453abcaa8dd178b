//! What the compiler and clippy allow, and a server should not do.

use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

use super::Found;
use crate::Outcome;

const FORBIDDEN: [(&str, &str); 5] = [
    (r"\bunsafe\b", "unsafe code"),
    (r"\bprocess::(Command|\{)|\bCommand::new\b", "another process"),
    (r"danger_accept_invalid|\.dangerous\(\)", "certificates are not verified"),
    (r"\b(md5|sha1)::", "a broken hash"),
    (r"allow\(\s*(warnings|clippy::all)", "a lint that is silenced for everything"),
];

/// The lines below `folder` that do what is forbidden; comments and the tests in a file aside.
pub fn unsafe_code(folder: impl AsRef<Path>) -> Outcome<Found> {
    let forbidden = FORBIDDEN.map(|(form, why)| Regex::new(form).map(|form| (form, why)));
    let forbidden = forbidden.into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut found = Vec::new();
    for file in sources(folder.as_ref())? {
        let text = fs::read_to_string(&file)?;
        for (number, line) in
            text.lines().enumerate().take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
        {
            let code = line.split("//").next().unwrap_or_default();
            let wrong = forbidden.iter().filter(|(form, _)| form.is_match(code));
            found.extend(wrong.map(|(_, why)| format!("{}:{}: {why}", file.display(), number + 1)));
        }
    }
    Ok(Found::These(found))
}

/// The Rust files below a folder, in order.
fn sources(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(sources(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
