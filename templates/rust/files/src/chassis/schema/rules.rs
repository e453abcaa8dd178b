//! A schema as checks read it.

use std::fmt;

use regex::Regex;
use serde::de::{Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// The words that checks know, and no other.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Rules {
    #[serde(rename = "type")]
    pub kind: Kind,
    pub format: Option<String>,
    #[serde(rename = "enum")]
    pub values: Option<Vec<String>>,
    pub minimum: Option<f64>,
    pub maximum: Option<f64>,
    pub min_length: Option<usize>,
    pub max_length: Option<usize>,
    pub min_items: Option<usize>,
    pub max_items: Option<usize>,
    #[serde(default, deserialize_with = "pattern")]
    pub pattern: Option<Regex>,
    #[serde(default, rename = "x-not-blank")]
    pub not_blank: bool,
    pub items: Option<Box<Self>>,
    #[serde(default, deserialize_with = "members")]
    pub properties: Option<Vec<(String, Self)>>,
    #[serde(default)]
    pub required: Vec<String>,
    pub additional_properties: Option<Additional>,
    #[serde(rename = "description")]
    _description: Option<IgnoredAny>,
    #[serde(rename = "default")]
    _default: Option<IgnoredAny>,
    #[serde(rename = "examples")]
    _examples: Option<IgnoredAny>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Array,
    Boolean,
    Integer,
    Number,
    Object,
    String,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Array => "an array",
            Self::Boolean => "a boolean",
            Self::Integer => "an integer",
            Self::Number => "a number",
            Self::Object => "an object",
            Self::String => "a string",
        })
    }
}

/// Members that have no property of their own.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Additional {
    /// False: there are none.
    Allowed(bool),
    Each(Box<Rules>),
}

fn pattern<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<Regex>, D::Error> {
    Regex::new(&String::deserialize(reader)?).map(Some).map_err(D::Error::custom)
}

fn members<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<Vec<(String, Rules)>>, D::Error> {
    let members = Map::<String, Value>::deserialize(reader)?.into_iter();
    let read = |(name, schema)| match Rules::deserialize(schema) {
        Ok(rules) => Ok((name, rules)),
        Err(error) => Err(D::Error::custom(format!("{name}: {error}"))),
    };
    members.map(read).collect::<Result<_, _>>().map(Some)
}
