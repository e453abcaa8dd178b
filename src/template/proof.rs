//! Proves a template: every file is parsed, every variable known, every answer that it offers rendered.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Error;
use crate::path::RepoPath;
use crate::template::answers::{Answers, Given, NAME};
use crate::template::engine::Engine;
use crate::template::question::{Kind, Question};
use crate::template::render;
use crate::template::spec::Glob;
use crate::template::{Bytes, Fault, Template, broken};

/// What can be wrong with a template.
#[derive(Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Law {
    /// Its name.
    pub id: &'static str,
    /// What it asks for, in a sentence.
    pub meaning: &'static str,
    /// What to do.
    pub help: &'static str,
}

/// All of them, sorted.
pub const LAWS: [&Law; 6] = [&ANSWER, &PATH, &SYNTAX, &UNDEFINED, &UNMATCHED, &UNUSED];

const ANSWER: Law = Law {
    id: "answer",
    meaning: "An answer that can be given is not rendered.",
    help: "Mend the text for that answer, or do not offer it.",
};
const PATH: Law = Law {
    id: "path",
    meaning: "A file cannot have the path that it would get.",
    help: "Give it another name; letters of another case are the same name on some systems.",
};
const SYNTAX: Law = Law {
    id: "syntax",
    meaning: "A file cannot be parsed.",
    help: "Variables stand in <{ }>, statements in <% %>, comments in <# #>.",
};
const UNDEFINED: Law = Law {
    id: "undefined",
    meaning: "A variable is not defined.",
    help: "Ask for it with a [[question]], or mend its name; facts are facts.NAME.",
};
const UNMATCHED: Law = Law {
    id: "unmatched",
    meaning: "A rule, a role or a renaming is about no file.",
    help: "Mend the pattern: it is a path below files/, without .tera.",
};
const UNUSED: Law = Law {
    id: "unused",
    meaning: "Nothing uses what is asked for, or a part.",
    help: "Remove it, or use it.",
};

/// Where a flaw is.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum At {
    /// In the source of a file.
    Source(String),
    /// In a part.
    Part(String),
    /// In a `template.toml`, in the first line that holds this text.
    Spec(String),
}

/// Something that is wrong.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Flaw {
    /// What it offends.
    pub law: &'static Law,
    /// Where.
    pub at: At,
    /// The line, where it is known.
    pub line: Option<usize>,
    /// What is wrong, in a sentence.
    pub message: String,
}

/// What every text may name beside the answers.
const KNOWN: [&str; 6] = ["facts", "language", "name", "package", "template_version", "tool_version"];
/// Stands in for the server's name.
const EXAMPLE: &str = "my-server";
/// An answer that is there to break the place where it lands.
const ODD: &str = "\"'\\ $(x) <{ y }> <% z %> \u{2028} #";

/// All that is wrong with `template`.
pub fn flaws(template: &Template) -> BTreeSet<Flaw> {
    let (mut flaws, used) = texts(template);
    flaws.extend(unused(template, &used));
    flaws.extend(unmatched(template));
    flaws.extend(defaults(template));
    if flaws.iter().all(|flaw| [&UNMATCHED, &UNUSED].contains(&flaw.law)) {
        flaws.extend(answers(template));
    }
    flaws
}

/// What is wrong with the texts by themselves, and the variables that they use.
fn texts(template: &Template) -> (BTreeSet<Flaw>, BTreeSet<String>) {
    let (mut flaws, mut used) = (BTreeSet::new(), BTreeSet::new());
    let Ok(mut engine) = Engine::answered(template, EXAMPLE, &BTreeMap::new()) else {
        return (flaws, used);
    };
    let known: BTreeSet<&str> =
        KNOWN.into_iter().chain(template.questions().map(|q| q.key.as_str())).collect();
    let parts =
        template.parts.iter().map(|(name, bytes)| (format!("parts/{name}"), At::Part(name.clone()), bytes));
    let sources = template.sources.iter().filter(|(_, source)| source.rendered);
    let sources =
        sources.map(|(path, source)| (path.to_string(), At::Source(path.to_string()), &source.bytes));
    for (name, at, bytes) in parts.chain(sources) {
        let flaw = |law, line, message| Flaw { law, at: at.clone(), line, message };
        match text(bytes).and_then(|text| engine.variables(&name, text).map(|found| (text, found))) {
            Err(fault) => _ = flaws.insert(flaw(&SYNTAX, fault.line, fault.reason)),
            Ok((text, found)) => {
                let unknown = found.iter().filter(|name| !known.contains(name.as_str()));
                // Of a variable that only a part names, the part is told.
                flaws.extend(unknown.filter_map(|name| {
                    let line = line_of(text, name)?;
                    Some(flaw(&UNDEFINED, Some(line), format!("{name} is not defined")))
                }));
                used.extend(found);
            }
        }
    }
    for (condition, at) in conditions(template) {
        match engine.variables("condition", &format!("<% if {condition} %><% endif %>")) {
            Err(fault) => _ = flaws.insert(Flaw { law: &SYNTAX, at, line: None, message: fault.reason }),
            Ok(found) => {
                flaws.extend(found.iter().filter(|name| !known.contains(name.as_str())).map(|name| {
                    let message = format!("{name} is not defined");
                    Flaw { law: &UNDEFINED, at: at.clone(), line: None, message }
                }));
                used.extend(found);
            }
        }
    }
    for text in spec_texts(template) {
        used.extend(engine.variables("spec", &text).unwrap_or_default());
    }
    (flaws, used)
}

fn text(bytes: &Bytes) -> Result<&str, Fault> {
    str::from_utf8(bytes).map_err(|error| broken("text", error))
}

/// The number of the first line in which `name` stands as a word.
fn line_of(text: &str, name: &str) -> Option<usize> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    text.lines()
        .position(|line| line.split(|c| !is_word(c)).any(|word| word == name))
        .map(|before| before + 1)
}

fn conditions(template: &Template) -> impl Iterator<Item = (&str, At)> {
    let rules =
        template.spec.rules.iter().chain(&template.shared.rules).filter_map(|rule| rule.when.as_deref());
    let questions = template.questions().filter_map(|question| question.when.as_deref());
    rules.chain(questions).map(|condition| (condition, At::Spec(condition.to_owned())))
}

/// What else a `template.toml` may use variables in.
fn spec_texts(template: &Template) -> Vec<String> {
    let facts = toml::Value::try_from(&template.facts).map(|facts| facts.to_string()).unwrap_or_default();
    let defaults = template.questions().map(|question| question.default.clone());
    let renames = template.renames().map(|(_, to)| to.to_owned());
    defaults.chain(renames).chain([facts]).collect()
}

fn unused(template: &Template, used: &BTreeSet<String>) -> Vec<Flaw> {
    let flaw = |at, message| Flaw { law: &UNUSED, at, line: None, message };
    let questions = template.questions().filter(|question| !used.contains(&question.key));
    let questions = questions.map(|question| flaw(key(question), format!("no text uses {}", question.key)));
    let rendered = template.sources.values().filter(|source| source.rendered).map(|source| &source.bytes);
    let texts: Vec<_> =
        rendered.chain(template.parts.values()).filter_map(|bytes| text(bytes).ok()).collect();
    let names = |name: &&String| !texts.iter().any(|text| text.contains(&format!("\"parts/{name}\"")));
    let parts = template.parts.keys().filter(names);
    questions
        .chain(parts.map(|name| flaw(At::Part(name.clone()), "no file extends or includes it".to_owned())))
        .collect()
}

fn key(question: &Question) -> At {
    At::Spec(format!("{:?}", question.key))
}

fn unmatched(template: &Template) -> Vec<Flaw> {
    let matches = |glob: &Glob| template.sources.keys().any(|path| glob.matches(path.as_str()));
    let rules = template.spec.rules.iter().chain(&template.shared.rules).map(|rule| &rule.path);
    let roles = template
        .spec
        .roles
        .values()
        .flatten()
        .chain(template.shared.roles.iter().flat_map(|role| &role.paths));
    let globs = rules.chain(roles).filter(|glob| !matches(glob)).map(Glob::as_str);
    let starts = |from: &str, path: &RepoPath| {
        path.as_str().strip_prefix(from).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let renames = template.renames().map(|(from, _)| from);
    let renames = renames.filter(|from| !template.sources.keys().any(|path| starts(from, path)));
    let flaw = |pattern: &str| Flaw {
        law: &UNMATCHED,
        at: At::Spec(format!("{pattern:?}")),
        line: None,
        message: format!("no file matches {pattern}"),
    };
    globs.chain(renames).map(flaw).collect()
}

/// Defaults that are no answers to their own questions.
fn defaults(template: &Template) -> Vec<Flaw> {
    let Ok(engine) = Engine::answered(template, EXAMPLE, &BTreeMap::new()) else { return Vec::new() };
    let fault = |question: &Question| {
        let default = engine.default_answer(question).ok().filter(|default| !default.is_empty())?;
        question.check(&default).err()
    };
    let flaw = |question: &Question, error: Error| Flaw {
        law: &ANSWER,
        at: key(question),
        line: None,
        message: format!("the default is no answer: {}", error.message),
    };
    template.questions().filter_map(|question| Some(flaw(question, fault(question)?))).collect()
}

/// What goes wrong when each answer that the template offers is given.
fn answers(template: &Template) -> Vec<Flaw> {
    let (mut flaws, mut told) = (Vec::new(), BTreeSet::new());
    for (given, said) in offered(template) {
        let engine = Answers::complete(template, &given).and_then(|answers| {
            let (mut engine, _) = Engine::of(template, &answers.name, &answers.values)?;
            engine.learn_parts(template)?;
            Ok(engine)
        });
        let found = match engine {
            Ok(engine) => rendered(template, &engine),
            Err(Error { message, .. }) => {
                let key = given.keys().find(|key| *key != NAME).map_or("facts", String::as_str);
                let at = At::Spec(if key == "facts" { "[facts]".to_owned() } else { format!("{key:?}") });
                vec![Flaw { law: &ANSWER, at, line: None, message }]
            }
        };
        for flaw in found.into_iter().filter(|flaw| told.insert(flaw.clone())) {
            flaws.push(Flaw { message: flaw.message + &said, ..flaw });
        }
    }
    flaws
}

/// The defaults, each choice by itself, and texts that are there to break things; each with words for it.
fn offered(template: &Template) -> Vec<(Given, String)> {
    let name = (NAME.to_owned(), EXAMPLE.to_owned());
    let mut all = vec![(Given::from([name.clone()]), String::new())];
    let Ok(defaults) = Answers::complete(template, &all[0].0) else { return all };
    let Ok(engine) = Engine::answered(template, EXAMPLE, &defaults.values) else { return all };
    for question in template.questions().filter(|question| engine.asks(question).unwrap_or(false)) {
        let is_free =
            question.kind == Kind::Text && question.choices.is_empty() && question.pattern.is_none();
        let odd = is_free.then(|| ODD.to_owned());
        for answer in question.choices().into_iter().chain(odd) {
            let said = format!(", when {} is {answer:?}", question.key);
            all.push((Given::from([name.clone(), (question.key.clone(), answer)]), said));
        }
    }
    all
}

/// What is wrong with the files, with the answers that `engine` knows.
fn rendered(template: &Template, engine: &Engine) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    let mut taken: BTreeMap<String, &RepoPath> = BTreeMap::new();
    for (path, source) in &template.sources {
        let flaw = |law, line, message| Flaw { law, at: At::Source(path.to_string()), line, message };
        match render::file(template, engine, path, source) {
            Ok(None) => {}
            Ok(Some((place, _))) => {
                if let Some(other) = taken.insert(place.as_str().to_lowercase(), path) {
                    flaws.push(flaw(&PATH, None, format!("{other} would be called {place} too")));
                }
            }
            // What fails where no line is, is the path.
            Err(fault) if fault.line.is_none() => flaws.push(flaw(&PATH, None, fault.reason)),
            Err(fault) => match fault.file.strip_prefix("parts/") {
                Some(part) => flaws.push(Flaw {
                    at: At::Part(part.to_owned()),
                    ..flaw(&ANSWER, fault.line, fault.reason.clone())
                }),
                None => flaws.push(flaw(&ANSWER, fault.line, fault.reason)),
            },
        }
    }
    flaws
}
