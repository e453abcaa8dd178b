//! Answers the methods of MCP from an App.

use std::collections::BTreeMap;
use std::sync::Arc;

use rmcp::model::ErrorCode;
use serde_json::{Map, Value, json};

use super::message::{Message, method_not_found};
use super::reply::{Outcome, RpcError};
use crate::chassis::app::App;
use crate::chassis::call::Request;
use crate::chassis::caller::Caller;
use crate::chassis::context::{Context, Progress};
use crate::chassis::declare::{About, MIME_TYPE, Registry};
use crate::chassis::fault::{self, Category, Fault};
use crate::chassis::json;
use crate::chassis::limit::Slot;
use crate::chassis::observe::{Level, PROTOCOL, Trace};

/// The newest protocol with a handshake, and those before it that clients may ask for.
const LEGACY: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

/// What comes with a request, beside its message.
#[derive(Default)]
pub struct Extras {
    /// The place of a tool call that was admitted already.
    pub slot: Option<Slot>,
    pub progress: Option<Progress>,
    /// The trace context of the transport.
    pub trace: Option<Trace>,
}

pub struct Protocol {
    pub app: Arc<App>,
    lists: Lists,
}

/// What does not change while the server runs.
struct Lists {
    tools: Value,
    resources: Value,
    templates: Value,
    prompts: Value,
}

impl Protocol {
    pub fn new(app: Arc<App>) -> Self {
        Self { lists: Lists::of(&app.offered), app }
    }

    /// Answers a request; what goes wrong is an error that is meant for the client.
    pub async fn answer(&self, caller: Arc<Caller>, mut message: Message, extras: Extras) -> Outcome {
        let is_modern = message.is_modern();
        if !message.is_known() {
            return Outcome::Error(method_not_found());
        }
        if message.method == "tools/call" {
            return self.call_tool(caller, message, extras).await;
        }
        let answered = match message.method.as_str() {
            "initialize" => Ok(self.initialize(message.text("protocolVersion"))),
            "ping" => return Outcome::Result("{}".to_owned()),
            "server/discover" => Ok(self.discover()),
            "tools/list" => Ok(json!({ "tools": self.lists.tools })),
            "resources/list" => Ok(json!({ "resources": self.lists.resources })),
            "resources/templates/list" => Ok(json!({ "resourceTemplates": self.lists.templates })),
            "prompts/list" => Ok(json!({ "prompts": self.lists.prompts })),
            "resources/read" => self.read_resource(caller, &message).await,
            _ => self.get_prompt(&caller, message.text("name").to_owned(), message.take_arguments()).await,
        };
        match answered {
            Ok(mut result) => {
                if is_modern {
                    result["resultType"] = "complete".into();
                    if message.method != "prompts/get" {
                        // Results are the caller's own and may be different the next time.
                        result["ttlMs"] = 0.into();
                        result["cacheScope"] = "private".into();
                    }
                }
                Outcome::Result(result.to_string())
            }
            Err(error) => Outcome::Error(error),
        }
    }

    fn server_info(&self) -> Value {
        json!({ "name": self.app.settings.server_name, "version": self.app.identity.version })
    }

    fn initialize(&self, asked: &str) -> Value {
        let version = LEGACY.iter().find(|known| **known == asked).unwrap_or(&LEGACY[0]);
        json!({
            "protocolVersion": version,
            "capabilities": { "tools": {}, "resources": {}, "prompts": {} },
            "serverInfo": self.server_info(),
            "instructions": self.app.identity.instructions,
        })
    }

    fn discover(&self) -> Value {
        json!({
            "supportedVersions": [PROTOCOL],
            "capabilities": { "tools": {}, "resources": {}, "prompts": {} },
            "instructions": self.app.identity.instructions,
            "_meta": { "io.modelcontextprotocol/serverInfo": self.server_info() },
        })
    }

    async fn call_tool(&self, caller: Arc<Caller>, mut message: Message, extras: Extras) -> Outcome {
        let calls = &self.app.calls;
        let Some(tool) = self.app.offered.tool(message.text("name")) else {
            calls.unknown_tool();
            return Outcome::Error(RpcError::new(ErrorCode::INVALID_PARAMS.0, "Unknown tool"));
        };
        let is_modern = message.is_modern();
        let slot = match extras.slot {
            Some(slot) => Ok(slot),
            None => calls.admit(&caller, tool.timeout).await.inspect_err(|refusal| {
                calls.refused(&caller, refusal, Some(tool.about.name));
            }),
        };
        let result = match slot {
            Ok(slot) => {
                let request = Request {
                    trace: message.trace().or(extras.trace),
                    arguments: message.take_arguments(),
                    progress: extras.progress,
                };
                calls.run(Arc::clone(&caller), tool, request, slot).await
            }
            Err(refusal) => Err(refusal),
        };
        Outcome::Result(tool_result(&result, &caller, is_modern))
    }

    async fn read_resource(&self, caller: Arc<Caller>, message: &Message) -> Result<Value, RpcError> {
        let uri = json::well_formed(message.text("uri"));
        let not_found =
            || RpcError::new(ErrorCode::INVALID_PARAMS.0, "Resource not found").with(json!({ "uri": uri }));
        let (resource, variable) = self.app.offered.resource(message.text("uri")).ok_or_else(not_found)?;
        let read = resource.read(Context::of(Arc::clone(&caller)), variable);
        match self.app.calls.read(&caller, "resource_read", &resource.about, None, read).await {
            Ok(document) => Ok(json!({
                "contents": [{ "uri": uri, "mimeType": MIME_TYPE, "text": document.to_string() }],
            })),
            Err(failure) if failure.code() == fault::OPERATION_NOT_FOUND => Err(not_found()),
            Err(failure) => Err(self.presentable(&caller, &failure)),
        }
    }

    async fn get_prompt(
        &self,
        caller: &Caller,
        name: String,
        arguments: Map<String, Value>,
    ) -> Result<Value, RpcError> {
        let invalid = |message: String| RpcError::new(ErrorCode::INVALID_PARAMS.0, message);
        let prompt = self.app.offered.prompt(&name).ok_or_else(|| invalid("Unknown prompt".to_owned()))?;
        let missing = prompt.arguments.iter().find(|argument| !arguments.contains_key(argument.name));
        if let Some(argument) = missing {
            return Err(invalid(format!("Missing argument: {}", argument.name)));
        }
        let read = |(name, value): (&String, &Value)| {
            (name.clone(), json::well_formed(value.as_str().unwrap_or_default()))
        };
        let given: BTreeMap<_, _> = arguments.iter().map(read).collect();
        let canonical = Value::Object(arguments).to_string();
        let render = async { Ok((prompt.render)(&given)) };
        let rendered =
            self.app.calls.read(caller, "prompt_read", &prompt.about, Some(&canonical), render).await;
        let text = rendered.map_err(|failure| self.presentable(caller, &failure))?;
        Ok(json!({
            "description": prompt.about.full_description(),
            "messages": [{ "role": "user", "content": { "type": "text", "text": text } }],
        }))
    }

    fn presentable(&self, caller: &Caller, failure: &Fault) -> RpcError {
        let id = &caller.correlation_id;
        if failure.code() == fault::INTERNAL {
            let log = self.app.log.named("protocol");
            log.failure(Some(id), Level::Error, "request.crashed", failure, json!({}));
        }
        let is_ours = failure.code().category == Category::Server;
        let code = if is_ours { ErrorCode::INTERNAL_ERROR } else { ErrorCode::INVALID_PARAMS };
        RpcError::new(code.0, failure.message()).with(failure.payload(id))
    }
}

/// A tool error is a result whose text is exactly `{"error": …}`.
fn tool_result(result: &Result<String, Fault>, caller: &Caller, is_modern: bool) -> String {
    let kind = if is_modern { r#","resultType":"complete""# } else { "" };
    let content = |text: &str| format!(r#""content":[{{"type":"text","text":{}}}]"#, Value::from(text));
    match result {
        Ok(output) => format!(r#"{{{},"structuredContent":{output}{kind}}}"#, content(output)),
        Err(failure) => {
            let text = json!({ "error": failure.payload(&caller.correlation_id) }).to_string();
            format!(r#"{{{},"isError":true{kind}}}"#, content(&text))
        }
    }
}

impl Lists {
    fn of(offered: &Registry) -> Self {
        let tools = offered.tools.iter().map(|tool| {
            let mut described = describe(&tool.about);
            described["inputSchema"] = tool.input.document().clone().into();
            described["outputSchema"] = tool.output.clone().into();
            described["annotations"] = json!(tool.annotations);
            described
        });
        let resources = |are_templates: bool| -> Value {
            let key = if are_templates { "uriTemplate" } else { "uri" };
            let kind = offered.resources.iter().filter(|resource| resource.is_template() == are_templates);
            kind.map(|resource| {
                let mut described = describe(&resource.about);
                described[key] = resource.uri.into();
                described["mimeType"] = MIME_TYPE.into();
                described
            })
            .collect()
        };
        let prompts = offered.prompts.iter().map(|prompt| {
            let argument =
                |name, description| json!({ "name": name, "description": description, "required": true });
            let mut described = describe(&prompt.about);
            described["arguments"] =
                prompt.arguments.iter().map(|each| argument(each.name, each.description)).collect();
            described
        });
        Self {
            tools: tools.collect(),
            resources: resources(false),
            templates: resources(true),
            prompts: prompts.collect(),
        }
    }
}

fn describe(about: &About) -> Value {
    json!({ "name": about.name, "title": about.title, "description": about.full_description() })
}
