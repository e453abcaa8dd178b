//! Text with variables → text. An undefined variable is an error, and answers are values: nothing in them is ever
//! taken for template syntax.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use tera::{Context, Delimiters, Kwargs, State, Tera};

use crate::error::Result;
use crate::template::facts::Facts;
use crate::template::spec::Question;
use crate::template::{Template, broken};
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
        let mut context = Context::new();
        for (key, value) in values {
            context.insert(key.clone(), value);
        }
        let package = template.package(name)?;
        for (key, value) in [
            ("name", name),
            ("package", &package),
            ("language", &template.language),
            ("tool_version", env!("CARGO_PKG_VERSION")),
            ("template_version", &template.spec.template.version),
        ] {
            context.insert(key, value);
        }
        let mut engine = Self { tera: Cow::Borrowed(base()?), context };
        let facts = toml::Value::try_from(&template.facts).map_err(|error| broken("[facts]", error))?;
        let facts: Facts = engine.fact(&facts)?.try_into().map_err(|error| broken("[facts]", error))?;
        engine.context.insert("facts", &facts);
        Ok((engine, facts))
    }

    /// The default answer of `question` for a server called `name`.
    pub fn default_answer(template: &Template, question: &Question, name: &str) -> Result<String> {
        let mut context = Context::new();
        context.insert("name", name);
        context.insert("package", &template.package(name)?);
        Self { tera: Cow::Borrowed(base()?), context }.text(&question.key, &question.default)
    }

    /// What `rule` makes of a server's name.
    pub(super) fn package(rule: &str, name: &str) -> Result<String> {
        let mut context = Context::new();
        context.insert("name", name);
        Self { tera: Cow::Borrowed(base()?), context }.text("names.package", rule)
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
        let texts = texts.collect::<Result<Vec<_>>>()?;
        self.tera.to_mut().add_raw_templates(texts).map_err(|error| broken("parts", error))
    }

    pub(super) fn text(&self, path: &str, text: &str) -> Result<String> {
        if text.starts_with(EXTENDS) {
            return self.tera.render(path, &self.context).map_err(|error| broken(path, error));
        }
        if !text.contains("<{") && !text.contains("<%") && !text.contains("<#") {
            return Ok(text.to_owned());
        }
        self.tera.render_str(text, &self.context, false).map_err(|error| broken(path, error))
    }

    /// A fact with the strings in it rendered.
    pub(super) fn fact(&self, fact: &toml::Value) -> Result<toml::Value> {
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

    pub(super) fn holds(&self, condition: &str, path: &str) -> Result<bool> {
        Ok(!self.text(path, &format!("<% if {condition} %>yes<% endif %>"))?.is_empty())
    }

    pub(super) fn rename(&self, template: &Template, path: &str) -> Result<String> {
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
    tera.register_filter("sh", |text: &str, _: Kwargs, _: &State| escape::sh(text));
    tera.register_filter("snake", |text: &str, _: Kwargs, _: &State| text.replace('-', "_"));
    tera.register_filter("truncate_chars", |text: &str, kwargs: Kwargs, _: &State| {
        tera::TeraResult::Ok(cut::truncate_chars(text, kwargs.must_get("n")?))
    });
    Ok(tera)
}
