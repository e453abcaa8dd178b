//! What a server can offer: tools, resources and prompts, each a value with all that its contract holds. A declaration
//! knows nothing of the protocol that carries it.

mod contracts;
mod registry;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::chassis::context::Context;
use crate::chassis::fault::{Code, Fault, INVALID_ARGUMENT};
use crate::chassis::schema::{self, Document, Input};

pub use self::registry::Registry;

/// Puts a contract on its way out: its description says so, each use is logged and counted.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Deprecation {
    pub since: &'static str,
    pub replaced_by: &'static str,
    pub removed_in: &'static str,
}

/// What tools, resources and prompts have in common.
#[derive(Clone, Copy, Debug)]
pub struct About {
    pub name: &'static str,
    pub title: &'static str,
    pub description: &'static str,
    /// The contract's, as in semver.
    pub version: &'static str,
    pub deprecated: Option<Deprecation>,
    /// What a token must hold; empty for none.
    pub scope: &'static str,
}

impl About {
    /// Of a contract's first version.
    pub const NEW: Self =
        Self { name: "", title: "", description: "", version: "1.0.0", deprecated: None, scope: "" };

    /// The description as clients see it.
    #[must_use]
    pub fn full_description(&self) -> String {
        self.deprecated.map_or_else(
            || self.description.to_owned(),
            |Deprecation { since, replaced_by, removed_in }| {
                format!(
                    "{} Deprecated since {since}; use {replaced_by}; removed in {removed_in}.",
                    self.description
                )
            },
        )
    }
}

/// What must hold for something to be offered; contracts describe it either way.
#[derive(Clone, Copy, Debug, Default)]
pub struct Needs {
    /// `MCP_ENABLE_WRITES` is true.
    pub writes: bool,
    /// A service that it uses is not set up.
    pub missing: bool,
}

/// Hints for clients.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[allow(clippy::struct_excessive_bools, reason = "the protocol has four of them")]
pub struct Annotations {
    #[serde(rename = "readOnlyHint")]
    pub read_only: bool,
    #[serde(rename = "destructiveHint")]
    pub destructive: bool,
    #[serde(rename = "idempotentHint")]
    pub idempotent: bool,
    #[serde(rename = "openWorldHint")]
    pub open_world: bool,
}

type Run = Arc<dyn Fn(Context, Value) -> BoxFuture<'static, Result<Value, Fault>> + Send + Sync>;

/// A function that clients may call. It is made by [`Declaration::does`].
#[derive(Clone)]
pub struct Tool {
    pub about: About,
    pub needs: Needs,
    pub annotations: Annotations,
    pub side_effects: &'static str,
    /// When which error comes, besides those of every tool.
    pub errors: BTreeMap<&'static str, &'static str>,
    /// The tool's own; none is `MCP_TOOL_TIMEOUT_SECONDS`.
    pub timeout: Option<Duration>,
    pub input: Input,
    pub output: Document,
    run: Run,
}

/// What a tool is, before it does anything.
#[derive(Clone, Copy, Debug)]
pub struct Declaration<'a> {
    pub about: About,
    pub needs: Needs,
    pub annotations: Annotations,
    pub side_effects: &'static str,
    pub errors: &'a [(Code, &'static str)],
    pub timeout: Option<Duration>,
}

impl Declaration<'_> {
    /// Of a tool without errors of its own.
    pub const NEW: Self = Self {
        about: About::NEW,
        needs: Needs { writes: false, missing: false },
        annotations: Annotations {
            read_only: false,
            destructive: false,
            idempotent: false,
            open_world: false,
        },
        side_effects: "None.",
        errors: &[],
        timeout: None,
    };

    /// Makes a tool of its declaration, what it uses, and its function. The schemas come from the types; arguments that
    /// the input's schema does not allow never reach the function.
    #[must_use]
    pub fn does<Uses, In, Out, Work>(
        self,
        uses: &Uses,
        function: impl Fn(Uses, Context, In) -> Work + Send + Sync + 'static,
    ) -> Tool
    where
        Uses: Clone + Send + Sync + 'static,
        In: JsonSchema + DeserializeOwned,
        Out: JsonSchema + Serialize,
        Work: Future<Output = Result<Out, Fault>> + Send + 'static,
    {
        let uses = uses.clone();
        Tool {
            about: self.about,
            needs: self.needs,
            annotations: self.annotations,
            side_effects: self.side_effects,
            errors: self.errors.iter().map(|(code, when)| (code.name, *when)).collect(),
            timeout: self.timeout,
            input: Input::of::<In>(),
            output: schema::output::<Out>(),
            run: Arc::new(move |context, arguments| {
                let work =
                    serde_json::from_value(arguments).map(|input| function(uses.clone(), context, input));
                async move {
                    let work = work.map_err(|error| Fault::from(INVALID_ARGUMENT).because(error))?;
                    serde_json::to_value(work.await?).map_err(Fault::internal)
                }
                .boxed()
            }),
        }
    }
}

impl Tool {
    /// Runs the tool; the answer is its output as JSON.
    ///
    /// # Errors
    /// `invalid_argument`, and the tool's own.
    pub async fn run(&self, context: Context, arguments: Map<String, Value>) -> Result<Value, Fault> {
        let arguments = self.input.check(arguments)?;
        (self.run)(context, arguments).await
    }
}

type Read = Arc<dyn Fn(Context, String) -> BoxFuture<'static, Result<Value, Fault>> + Send + Sync>;

/// A document that clients may read, as JSON.
#[derive(Clone)]
pub struct Resource {
    pub about: About,
    pub needs: Needs,
    /// May end in one `{variable}`; then it is a template.
    pub uri: &'static str,
    read: Read,
}

/// Of every resource.
pub const MIME_TYPE: &str = "application/json";

impl Resource {
    /// Makes a resource of what it uses, and its function, which is given the value of the variable.
    #[must_use]
    pub fn new<Uses, Work>(
        about: About,
        needs: Needs,
        uri: &'static str,
        uses: &Uses,
        read: impl Fn(Uses, Context, String) -> Work + Send + Sync + 'static,
    ) -> Self
    where
        Uses: Clone + Send + Sync + 'static,
        Work: Future<Output = Result<Value, Fault>> + Send + 'static,
    {
        let uses = uses.clone();
        let read = Arc::new(move |context, variable| read(uses.clone(), context, variable).boxed());
        Self { about, needs, uri, read }
    }

    #[must_use]
    pub fn is_template(&self) -> bool {
        self.uri.contains('{')
    }

    /// The value of the variable in a URI that is this resource's.
    #[must_use]
    pub fn matches<'a>(&self, uri: &'a str) -> Option<&'a str> {
        match self.uri.split_once('{') {
            Some((prefix, _)) => uri.strip_prefix(prefix),
            None => (uri == self.uri).then_some(""),
        }
    }

    /// Reads the document of a variable's value.
    ///
    /// # Errors
    /// Those of the resource.
    pub async fn read(&self, context: Context, variable: &str) -> Result<Value, Fault> {
        (self.read)(context, variable.to_owned()).await
    }
}

/// A text that clients may ask for.
#[derive(Clone)]
pub struct Prompt {
    pub about: About,
    pub arguments: &'static [Argument],
    pub render: fn(&BTreeMap<String, String>) -> String,
}

/// One that a prompt cannot do without.
#[derive(Clone, Copy, Debug)]
pub struct Argument {
    pub name: &'static str,
    pub description: &'static str,
}
