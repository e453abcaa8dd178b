//! Secrets in what git tracks or would track.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use regex::Regex;

use super::Found;
use crate::Outcome;

const FORMS: [(&str, &str); 10] = [
    ("private key", r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"),
    ("AWS access key", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    ("GitHub token", r"\b(?:gh[oprsu]_[A-Za-z0-9]{36}|github_pat_\w{60})"),
    ("GitLab token", r"\bglpat-[\w-]{20}"),
    ("Google API key", r"\bAIza[\w-]{35}"),
    ("JSON Web Token", r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"),
    ("model provider key", r"\bsk-(?:ant-|proj-)?[A-Za-z0-9]{20}"),
    ("npm token", r"\bnpm_[A-Za-z0-9]{36}"),
    ("Slack token", r"\bxox[abeoprs]-[A-Za-z0-9-]{10}"),
    ("Stripe key", r"\b[rs]k_live_[A-Za-z0-9]{20}"),
];

const ASSIGNED: &str =
    r#"(?i-u)(?:api_?key|passwd|password|private_?key|secret|token)["']?\s*:?[:=]\s*["']?([\w+/=.-]{20,})"#;

/// A line that says this, and why, is passed over.
const NOT_A_SECRET: &str = r"not-a-secret: \S";

/// The entropy, in bits a character, from which a value looks like a key: words stay below.
const RANDOM_FROM: f64 = 4.0;

struct Search {
    forms: Vec<(&'static str, Regex)>,
    assigned: Regex,
    not_a_secret: Regex,
}

impl Search {
    fn new() -> Result<Self, regex::Error> {
        let forms = FORMS.into_iter().map(|(kind, form)| Ok((kind, Regex::new(form)?)));
        Ok(Self {
            forms: forms.collect::<Result<_, regex::Error>>()?,
            assigned: Regex::new(ASSIGNED)?,
            not_a_secret: Regex::new(NOT_A_SECRET)?,
        })
    }

    /// What kinds of secret stand in a text, line by line; never the secret itself.
    fn of(&self, text: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !self.not_a_secret.is_match(line)) {
            let kinds = self.forms.iter().filter(|(_, form)| form.is_match(line)).map(|(kind, _)| *kind);
            let assigned = self.assigned.captures(line).is_some_and(|value| looks_random(&value[1]));
            let kinds = kinds.chain(assigned.then_some("assigned secret"));
            found.extend(kinds.map(|kind| format!("{}: {kind}", number + 1)));
        }
        found
    }
}

fn looks_random(value: &str) -> bool {
    value.contains(|c: char| c.is_ascii_digit()) && entropy(value) > RANDOM_FROM
}

fn entropy(text: &str) -> f64 {
    let mut counts = BTreeMap::new();
    for character in text.chars() {
        *counts.entry(character).or_insert(0_u32) += 1;
    }
    let all: f64 = counts.values().copied().map(f64::from).sum();
    counts.values().map(|count| f64::from(*count) / all).map(|share| -share * share.log2()).sum()
}

/// The secrets in the files of a folder.
pub fn planted_in(root: impl AsRef<Path>) -> Outcome<Found> {
    let (root, search) = (root.as_ref(), Search::new()?);
    let mut found = Vec::new();
    for file in files(root)? {
        // What is gone since it was listed holds nothing, and neither does what is no text.
        let text = fs::read_to_string(root.join(&file)).unwrap_or_default();
        found.extend(search.of(&text).into_iter().map(|what| format!("{file}:{what}")));
    }
    Ok(Found::These(found))
}

/// What git tracks or would track; without git, all that the targets of the Makefile have not written.
fn files(root: &Path) -> Outcome<Vec<String>> {
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root);
    match git.output() {
        Ok(listed) if listed.status.success() && !listed.stdout.is_empty() => {
            Ok(String::from_utf8(listed.stdout)?.split_terminator('\0').map(str::to_owned).collect())
        }
        _ => walk(root, ""),
    }
}

fn walk(root: &Path, below: &str) -> Outcome<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root.join(below))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
        let kind = entry.file_type()?;
        if kind.is_dir() && ![".git", "dist", "target"].contains(&name.as_str()) {
            found.extend(walk(root, &path)?);
        } else if kind.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_form_or_by_where_they_stand() {
        let text = [
            ["-----BEGIN ", "RSA PRIVATE KEY-----"].concat(),
            ["key = 'gh", "p_", &"a1".repeat(18), "'"].concat(),
            ["api_key: ", "q9X2vB7nLk4TzR8wYc3M"].concat(),
            ["api_key: ", "q9X2vB7nLk4TzR8wYc3M // not-a-secret: a test"].concat(),
            "password = settings.password_of_the_service".to_owned(),
            ["token := ", "aaaaaaaaaaaaaaaaaaaaaaaa1"].concat(),
        ];
        let found = Search::new().unwrap().of(&text.join("\n"));
        assert_eq!(found, ["1: private key", "2: GitHub token", "3: assigned secret"]);
    }
}
