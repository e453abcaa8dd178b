//! Text with variables → text. An undefined variable is an error, and answers are values: nothing in them is ever
//! taken for template syntax.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use tera::{Context, Delimiters, ErrorKind, Kwargs, State, Tera};

use crate::error::{Error, Result};
use crate::template::facts::Facts;
use crate::template::question::{Kind, Question};
use crate::template::{Fault, Template, broken};
use crate::text::{cut, escape};

/// How a file begins that fills the blocks of a part.
const EXTENDS: &str = "<% extends ";
/// What the name of a part begins with, where files name it.
const PART: &str = "parts/";

/// The template language with all that its texts may name.
#[derive(Debug)]
pub struct Engine {
    tera: Cow<'static, Tera>,
    context: Context,
}

impl Engine {
    /// The one context: the answers, what the template says of itself, and the facts, which may use all of it.
    pub(super) fn of(
        template: &Template,
        name: &str,
        values: &BTreeMap<String, String>,
    ) -> Result<(Self, Facts)> {
        let mut engine = Self::answered(template, name, values)?;
        for (key, value) in [
            ("language", template.language.as_str()),
            ("tool_version", env!("CARGO_PKG_VERSION")),
            ("template_version", &template.spec.template.version),
        ] {
            engine.context.insert(key, value);
        }
        let facts = toml::Value::try_from(&template.facts).map_err(|error| broken("[facts]", error))?;
        let facts: Facts = engine.fact(&facts)?.try_into().map_err(|error| broken("[facts]", error))?;
        engine.context.insert("facts", &facts);
        Ok((engine, facts))
    }

    /// What a question may name: the name, and the answers before it, each of its type.
    pub fn answered(template: &Template, name: &str, values: &BTreeMap<String, String>) -> Result<Self> {
        let mut context = Context::new();
        context.insert("name", name);
        context.insert("package", &template.package(name)?);
        for question in template.questions() {
            let Some(value) = values.get(&question.key) else { continue };
            match (question.kind, value.parse::<i64>()) {
                (Kind::Boolean, _) => context.insert(question.key.clone(), &(value == "true")),
                (Kind::Integer, Ok(number)) => context.insert(question.key.clone(), &number),
                (Kind::Integer | Kind::Text, _) => context.insert(question.key.clone(), value),
            }
        }
        Ok(Self { tera: Cow::Borrowed(base()?), context })
    }

    /// The default answer of `question`.
    pub fn default_answer(&self, question: &Question) -> Result<String> {
        Ok(self.text(&question.key, &question.default)?)
    }

    /// Whether `question` is asked.
    pub fn asks(&self, question: &Question) -> Result<bool> {
        Ok(question.when.as_ref().map_or(Ok(true), |condition| self.holds(condition, &question.key))?)
    }

    /// What `rule` makes of a server's name.
    pub(super) fn package(rule: &str, name: &str) -> Result<String> {
        let mut context = Context::new();
        context.insert("name", name);
        Self { tera: Cow::Borrowed(base()?), context }.text("names.package", rule).map_err(Error::from)
    }

    /// Parses the parts, and the files of a language that extend one.
    pub(super) fn learn_parts(&mut self, template: &Template) -> Result<()> {
        let parts = template.parts.iter().map(|(name, bytes)| (format!("{PART}{name}"), bytes));
        let sources = template.sources.iter();
        let extending = sources.filter(|(_, source)| source.bytes.starts_with(EXTENDS.as_bytes()));
        let files = extending.map(|(path, source)| (path.to_string(), &source.bytes));
        let texts = parts.chain(files).map(|(name, bytes)| match str::from_utf8(bytes) {
            Ok(text) => Ok((name, text)),
            Err(error) => Err(broken(&name, error)),
        });
        let texts = texts.collect::<Result<Vec<_>, Fault>>()?;
        Ok(self.tera.to_mut().add_raw_templates(texts).map_err(|error| fault("parts", &error))?)
    }

    /// Parses a part or a file, and gives the variables that it and what it is made of name.
    pub(super) fn variables(&mut self, path: &str, text: &str) -> Result<BTreeSet<String>, Fault> {
        let tera = self.tera.to_mut();
        tera.add_raw_template(path, text).map_err(|error| fault(path, &error))?;
        let found = tera.get_template_variables(path).map_err(|error| fault(path, &error))?;
        Ok(found.into_iter().map(str::to_owned).collect())
    }

    pub(super) fn text(&self, path: &str, text: &str) -> Result<String, Fault> {
        if text.starts_with(EXTENDS) {
            return self.tera.render(path, &self.context).map_err(|error| fault(path, &error));
        }
        if !text.contains("<{") && !text.contains("<%") && !text.contains("<#") {
            return Ok(text.to_owned());
        }
        self.tera.render_str(text, &self.context, false).map_err(|error| fault(path, &error))
    }

    /// A fact with the strings in it rendered.
    pub(super) fn fact(&self, fact: &toml::Value) -> Result<toml::Value, Fault> {
        Ok(match fact {
            toml::Value::String(text) => toml::Value::String(self.text("[facts]", text)?),
            toml::Value::Array(items) => {
                toml::Value::Array(items.iter().map(|item| self.fact(item)).collect::<Result<_, Fault>>()?)
            }
            toml::Value::Table(table) => toml::Value::Table(
                table
                    .iter()
                    .map(|(key, value)| Ok((key.clone(), self.fact(value)?)))
                    .collect::<Result<_, Fault>>()?,
            ),
            other => other.clone(),
        })
    }

    pub(super) fn holds(&self, condition: &str, path: &str) -> Result<bool, Fault> {
        Ok(!self.text(path, &format!("<% if {condition} %>yes<% endif %>"))?.is_empty())
    }

    pub(super) fn rename(&self, template: &Template, path: &str) -> Result<String, Fault> {
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

/// The language without any parts, made once.
fn base() -> Result<&'static Tera> {
    static BASE: LazyLock<Result<Tera>> = LazyLock::new(tera);
    BASE.as_ref().map_err(Clone::clone)
}

/// What is wrong in a file or in a part of it.
fn fault(path: &str, error: &tera::Error) -> Fault {
    match error.kind() {
        ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report) => {
            let part = Some(report.filename()).filter(|name| name.starts_with(PART));
            Fault {
                file: part.unwrap_or(path).to_owned(),
                line: Some(report.span().start_line),
                reason: report.message().replace('\n', " "),
            }
        }
        other => broken(path, other.to_string().replace('\n', " ")),
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
    tera.register_filter("comment", |text: &str, _: Kwargs, _: &State| escape::comment(text));
    tera.register_filter("dns_label", |text: &str, _: Kwargs, _: &State| cut::dns_label(text));
    tera.register_filter("dockerfile", |text: &str, _: Kwargs, _: &State| escape::dockerfile(text));
    tera.register_filter("make", |text: &str, _: Kwargs, _: &State| escape::make(text));
    tera.register_filter("md", |text: &str, _: Kwargs, _: &State| escape::md(text));
    tera.register_filter("quote", |text: &str, _: Kwargs, _: &State| escape::quote(text));
    tera.register_filter("sorted_packages", |text: &str, _: Kwargs, _: &State| cut::sorted_packages(text));
    tera.register_filter("sh", |text: &str, _: Kwargs, _: &State| escape::sh(text));
    tera.register_filter("snake", |text: &str, _: Kwargs, _: &State| text.replace('-', "_"));
    tera.register_filter("truncate_chars", |text: &str, kwargs: Kwargs, _: &State| {
        tera::TeraResult::Ok(cut::truncate_chars(text, kwargs.must_get("n")?))
    });
    Ok(tera)
}
