//! Contracts of tools, resources and prompts, from a contract file or from what a server lists.
//!
//! Invariant: a set holds each contract once, keyed by what clients call it: a name, or a resource's URI.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::normal;
use crate::error::{Error, Result};

/// What a contract is for.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Kind {
    /// A prompt.
    Prompt,
    /// A resource or a resource template.
    Resource,
    /// A tool.
    Tool,
}

impl Kind {
    /// Every kind, with its folder.
    pub const ALL: [Self; 3] = [Self::Prompt, Self::Resource, Self::Tool];

    /// The folder of its contracts.
    #[must_use]
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Prompt => "prompts",
            Self::Resource => "resources",
            Self::Tool => "tools",
        }
    }

    /// What it is called.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Resource => "resource",
            Self::Tool => "tool",
        }
    }

    /// The kind of the contract in a file, by the folder in the file's path.
    pub fn of_path(path: &str) -> Option<Self> {
        let folder = path.strip_suffix(".json")?.split_once('/')?.0;
        Self::ALL.into_iter().find(|kind| kind.folder() == folder)
    }

    /// The fields that the wire carries.
    const fn wire(self) -> &'static [&'static str] {
        match self {
            Self::Prompt => &["arguments", "description", "name", "title"],
            Self::Resource => &["description", "mimeType", "name", "title", "uri", "uriTemplate"],
            Self::Tool => &["annotations", "description", "inputSchema", "name", "outputSchema", "title"],
        }
    }
}

/// Fields that only a committed contract has.
pub const COMMITTED: &[&str] =
    &["clientCapabilities", "deprecated", "errors", "scope", "scopes", "sideEffects", "version"];

/// One contract.
#[derive(Clone, Debug, PartialEq)]
pub struct Contract {
    /// What it is for.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Every field, in normal form.
    pub body: Map<String, Value>,
}

impl Contract {
    /// A contract from a file; `kind` is what its folder says, if it has one.
    ///
    /// # Errors
    /// When it has no name.
    pub fn from_file(body: &Map<String, Value>, kind: Option<Kind>) -> Result<Self> {
        let has = |key: &str| body.contains_key(key);
        let guess = if has("uri") || has("uriTemplate") {
            Kind::Resource
        } else if has("arguments") && !has("inputSchema") {
            Kind::Prompt
        } else {
            Kind::Tool
        };
        Self::new(kind.unwrap_or(guess), body.clone())
    }

    /// A contract from what a server lists: only the fields that make a contract.
    ///
    /// # Errors
    /// When it has no name.
    pub fn from_wire(kind: Kind, body: &Map<String, Value>) -> Result<Self> {
        let fields = body.iter().filter(|(key, _)| kind.wire().contains(&key.as_str()));
        Self::new(kind, fields.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn new(kind: Kind, mut body: Map<String, Value>) -> Result<Self> {
        let Some(name) = body.get("name").and_then(Value::as_str).map(str::to_owned) else {
            return Err(Error::new(format!("a {} without a name", kind.noun())));
        };
        body.retain(|_, value| !value.is_null());
        for key in ["inputSchema", "outputSchema"] {
            if let Some(schema) = body.get(key).map(normal::schema) {
                body.insert(key.to_owned(), schema);
            }
        }
        if let Some(Value::Object(annotations)) = body.get_mut("annotations") {
            annotations.retain(|_, value| !value.is_null());
        }
        Ok(Self { kind, name, body })
    }

    /// What clients call it.
    #[must_use]
    pub fn key(&self) -> String {
        let address =
            ["uri", "uriTemplate"].iter().find_map(|key| self.body.get(*key)).and_then(Value::as_str);
        address.filter(|_| self.kind == Kind::Resource).unwrap_or(&self.name).to_owned()
    }

    /// Its path below the folder of contracts, without the extension.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}/{}", self.kind.folder(), self.name)
    }

    /// Whether it comes from a file that records what the wire lacks.
    #[must_use]
    pub fn is_committed(&self) -> bool {
        COMMITTED.iter().any(|key| self.body.contains_key(*key))
    }
}

/// A set of contracts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contracts {
    list: BTreeMap<(Kind, String), Contract>,
}

impl Contracts {
    /// Adds a contract.
    ///
    /// # Errors
    /// When there is one of that name.
    pub fn add(&mut self, contract: Contract) -> Result<()> {
        let (kind, key) = (contract.kind, contract.key());
        if self.list.insert((kind, key.clone()), contract).is_some() {
            return Err(Error::new(format!("two {}s are called {key}", kind.noun())));
        }
        Ok(())
    }

    /// All contracts, prompts first, then resources, then tools, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Contract> {
        self.list.values()
    }

    /// The contract of this kind and key.
    #[must_use]
    pub fn get(&self, kind: Kind, key: &str) -> Option<&Contract> {
        self.list.get(&(kind, key.to_owned()))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The contracts in a JSON document: one contract, contracts by the path of their file, or the result of a list
    /// request, bare or in its envelope.
    ///
    /// # Errors
    /// When the document is neither.
    pub fn from_document(document: &Value) -> Result<Self> {
        let document = document.get("result").filter(|result| result.is_object()).unwrap_or(document);
        let mut contracts = Self::default();
        if let Value::Array(tools) = document {
            contracts.add_wire(Kind::Tool, tools)?;
            return Ok(contracts);
        }
        let lists = [
            ("tools", Kind::Tool),
            ("prompts", Kind::Prompt),
            ("resources", Kind::Resource),
            ("resourceTemplates", Kind::Resource),
        ];
        let mut listed = false;
        for (key, kind) in lists {
            if let Some(Value::Array(entries)) = document.get(key) {
                contracts.add_wire(kind, entries)?;
                listed = true;
            }
        }
        match document {
            Value::Object(_) if listed => {}
            Value::Object(files)
                if files.keys().all(|path| Kind::of_path(path).is_some()) && !files.is_empty() =>
            {
                for (path, body) in files {
                    let body =
                        body.as_object().ok_or_else(|| Error::new(format!("{path} is not a contract")))?;
                    contracts.add(Contract::from_file(body, Kind::of_path(path))?)?;
                }
            }
            Value::Object(body) if body.contains_key("name") => {
                contracts.add(Contract::from_file(body, None)?)?;
            }
            _ => {
                let hint = "give a contract (an object with a name) or the result of tools/list";
                return Err(Error::new("this JSON is neither a contract nor a list of them").hint(hint));
            }
        }
        Ok(contracts)
    }

    fn add_wire(&mut self, kind: Kind, entries: &[Value]) -> Result<()> {
        for entry in entries {
            let Value::Object(body) = entry else {
                return Err(Error::new(format!("a listed {} is not an object", kind.noun())));
            };
            let committed = COMMITTED.iter().any(|key| body.contains_key(*key));
            let contract = if committed {
                Contract::from_file(body, Some(kind))
            } else {
                Contract::from_wire(kind, body)
            };
            self.add(contract?)?;
        }
        Ok(())
    }
}
