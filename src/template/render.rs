//! (Template, Answers) → Tree. Pure: the same answers give the same bytes, and nothing outside is read.
//!
//! Only files of the chosen language whose condition holds are parsed, each once. An undefined variable is an
//! error, and answers are values: nothing in them is ever taken for template syntax.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Display;

use tera::{Context, Delimiters, Kwargs, State, Tera};

use crate::error::{Code, Error, Result};
use crate::path::RepoPath;
use crate::template::answers::Answers;
use crate::template::spec::{Policy, Question};
use crate::template::{Source, Template, filters, name};
use crate::tree::{File, Tree};

/// How a file begins that fills the blocks of a part.
const EXTENDS: &str = "<% extends ";
/// What the name of a part begins with, where files name it.
const PART: &str = "parts/";

/// A rendered template.
#[derive(Debug)]
pub struct Rendered {
    /// The files.
    pub tree: Tree,
    /// The paths of the files that are the user's once written.
    pub seeds: Vec<RepoPath>,
}

/// Renders `template` with `answers`.
///
/// # Errors
/// When the template is broken; no answers that were checked can cause it.
pub fn render(template: &Template, answers: &Answers) -> Result<Rendered> {
    let mut engine = Engine::new(template, answers)?;
    let sources = template.sources();
    engine.learn_parts(template, &sources)?;
    let mut rendered = Rendered { tree: Tree::new(), seeds: Vec::new() };
    for (source_path, source) in sources {
        let rules: Vec<_> = template.rules(source_path).collect();
        if let Some(condition) = rules.iter().find_map(|rule| rule.when.as_deref())
            && !engine.holds(condition, source_path)?
        {
            continue;
        }
        let path = RepoPath::new(engine.rename(template, source_path)?)?;
        let bytes = if source.rendered {
            let text = str::from_utf8(source.bytes).map_err(|error| broken(source_path, error))?;
            Cow::Owned(engine.text(source_path, text)?.into_bytes())
        } else {
            Cow::Borrowed(source.bytes)
        };
        if rules.iter().find_map(|rule| rule.policy) == Some(Policy::Seed) {
            rendered.seeds.push(path.clone());
        }
        let mode = rules.iter().find_map(|rule| rule.mode).unwrap_or_default();
        if rendered.tree.insert(path.clone(), File { bytes, mode }).is_some() {
            return Err(broken(source_path, format!("another file is also called {path}")));
        }
    }
    Ok(rendered)
}

/// The template's facts, their strings rendered with `answers`.
///
/// # Errors
/// When the template is broken.
pub fn facts(template: &Template, answers: &Answers) -> Result<toml::Table> {
    let engine = Engine::new(template, answers)?;
    let facts = template.spec.facts.iter();
    facts.map(|(key, fact)| Ok((key.clone(), engine.fact(fact)?))).collect()
}

/// The default answer of `question` for a server called `name`.
///
/// # Errors
/// When the template is broken.
pub fn default(question: &Question, name: &str) -> Result<String> {
    let mut context = Context::new();
    context.insert("name", name);
    context.insert("package", &name::package(name));
    Engine { tera: tera()?, context }.text(&question.key, &question.default)
}

struct Engine {
    tera: Tera,
    context: Context,
}

impl Engine {
    fn new(template: &Template, answers: &Answers) -> Result<Self> {
        let mut context = Context::new();
        context.insert("name", &answers.name);
        context.insert("package", &name::package(&answers.name));
        let mut engine = Self { tera: tera()?, context };
        let facts = engine.fact(&toml::Value::Table(template.spec.facts.clone()))?;
        let context = &mut engine.context;
        for (key, value) in &answers.values {
            context.insert(key.clone(), value);
        }
        context.insert("language", template.language);
        context.insert("tool_version", env!("CARGO_PKG_VERSION"));
        context.insert("template_version", &template.spec.template.version);
        context.insert("facts", &facts);
        Ok(engine)
    }

    /// Parses the parts, and the files of a language that extend one.
    fn learn_parts(&mut self, template: &Template, sources: &BTreeMap<&str, Source>) -> Result<()> {
        let parts = template.parts().into_iter().map(|(name, bytes)| (format!("{PART}{name}"), bytes));
        let extending = sources.iter().filter(|(_, source)| source.bytes.starts_with(EXTENDS.as_bytes()));
        let files = extending.map(|(path, source)| ((*path).to_owned(), source.bytes));
        let texts = parts.chain(files).map(|(name, bytes)| match str::from_utf8(bytes) {
            Ok(text) => Ok((name, text)),
            Err(error) => Err(broken(&name, error)),
        });
        let texts = texts.collect::<Result<Vec<_>>>()?;
        self.tera.add_raw_templates(texts).map_err(|error| broken("parts", error))
    }

    fn text(&self, path: &str, text: &str) -> Result<String> {
        if text.starts_with(EXTENDS) {
            return self.tera.render(path, &self.context).map_err(|error| broken(path, error));
        }
        if !text.contains("<{") && !text.contains("<%") && !text.contains("<#") {
            return Ok(text.to_owned());
        }
        self.tera.render_str(text, &self.context, false).map_err(|error| broken(path, error))
    }

    /// A fact with the strings in it rendered.
    fn fact(&self, fact: &toml::Value) -> Result<toml::Value> {
        Ok(match fact {
            toml::Value::String(text) => toml::Value::String(self.text("[facts]", text)?),
            toml::Value::Array(items) => {
                toml::Value::Array(items.iter().map(|item| self.fact(item)).collect::<Result<_>>()?)
            }
            toml::Value::Table(table) => toml::Value::Table(
                table
                    .iter()
                    .map(|(key, value)| Ok((key.clone(), self.fact(value)?)))
                    .collect::<Result<_>>()?,
            ),
            other => other.clone(),
        })
    }

    fn holds(&self, condition: &str, path: &str) -> Result<bool> {
        Ok(!self.text(path, &format!("<% if {condition} %>yes<% endif %>"))?.is_empty())
    }

    fn rename(&self, template: &Template, path: &str) -> Result<String> {
        for (from, to) in template.renames() {
            if let Some(rest) =
                path.strip_prefix(from).filter(|rest| rest.is_empty() || rest.starts_with('/'))
            {
                return Ok(self.text(path, to)? + rest);
            }
        }
        Ok(path.to_owned())
    }
}

fn tera() -> Result<Tera> {
    let mut tera = Tera::new();
    tera.autoescape_on(Vec::<&str>::new());
    tera.set_delimiters(Delimiters {
        block_start: "<%".into(),
        block_end: "%>".into(),
        variable_start: "<{".into(),
        variable_end: "}>".into(),
        comment_start: "<#".into(),
        comment_end: "#>".into(),
    })
    .map_err(|error| broken("delimiters", error))?;
    tera.register_filter("comment", |text: &str, _: Kwargs, _: &State| filters::comment(text));
    tera.register_filter("dns_label", |text: &str, _: Kwargs, _: &State| filters::dns_label(text));
    tera.register_filter("dockerfile", |text: &str, _: Kwargs, _: &State| filters::dockerfile(text));
    tera.register_filter("make", |text: &str, _: Kwargs, _: &State| filters::make(text));
    tera.register_filter("md", |text: &str, _: Kwargs, _: &State| filters::md(text));
    tera.register_filter("quote", |text: &str, _: Kwargs, _: &State| filters::quote(text));
    tera.register_filter("sh", |text: &str, _: Kwargs, _: &State| filters::sh(text));
    tera.register_filter("truncate_chars", |text: &str, kwargs: Kwargs, _: &State| {
        tera::TeraResult::Ok(filters::truncate_chars(text, kwargs.must_get("n")?))
    });
    Ok(tera)
}

fn broken(path: &str, reason: impl Display) -> Error {
    Error::new(Code::Template, format!("the template of {path} is broken: {reason}"))
        .hint("this is a bug of cargo-mcp; please report it")
}
