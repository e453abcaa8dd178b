//! The SDK's server for an App: what it answers to each method of MCP.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, DiscoverResult, ErrorCode,
    GetPromptRequestParams, GetPromptResponse, GetPromptResult, InitializeRequestParams, InitializeResult,
    ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult,
    PaginatedRequestParams, PromptMessage, ProtocolVersion, ReadResourceRequestParams, ReadResourceResponse,
    ReadResourceResult, ResourceContents, Role, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::json;

use super::offers::Offers;
use crate::chassis::app::App;
use crate::chassis::call::{Answer, Request};
use crate::chassis::caller::Caller;
use crate::chassis::context::{Context, Progress};
use crate::chassis::declare::MIME_TYPE;
use crate::chassis::fault::{self, Category, Fault};
use crate::chassis::json;
use crate::chassis::limit::Slot;
use crate::chassis::observe::Trace;

/// The protocol without a handshake, and those with one that clients may ask for.
pub const VERSIONS: [ProtocolVersion; 5] = [
    ProtocolVersion::V_2026_07_28,
    ProtocolVersion::V_2025_11_25,
    ProtocolVersion::V_2025_06_18,
    ProtocolVersion::V_2025_03_26,
    ProtocolVersion::V_2024_11_05,
];

/// What a transport knows of a request beside its message; it travels in the extensions of the SDK's context.
#[derive(Clone)]
pub struct Exchange {
    pub caller: Arc<Caller>,
    /// The place of a tool call that was admitted already; without it, a refusal is a tool error.
    pub slot: Option<Arc<Slot>>,
    pub progress: Option<Progress>,
    pub trace: Option<Trace>,
}

/// Answers clients from an App.
pub struct Handler {
    pub app: Arc<App>,
    offers: Offers,
}

impl Handler {
    pub fn new(app: Arc<App>) -> Self {
        Self { offers: Offers::of(&app.offered), app }
    }
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        Offers::info(&self.app).with_protocol_version(ProtocolVersion::V_2025_11_25)
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        Cow::Borrowed(&VERSIONS)
    }

    /// Nothing is kept of a client: every request stands for itself.
    async fn initialize(
        &self,
        request: InitializeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        self.negotiate_initialize(&request)
    }

    async fn discover(&self, _: RequestContext<RoleServer>) -> Result<DiscoverResult, ErrorData> {
        Ok(DiscoverResult::from_server_info(VERSIONS[..1].to_vec(), self.get_info()))
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.offers.tools.clone()))
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(ListResourcesResult::with_all_items(self.offers.resources.clone()))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(ListResourceTemplatesResult::with_all_items(self.offers.templates.clone()))
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(ListPromptsResult::with_all_items(self.offers.prompts.clone()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Exchange { caller, slot, progress, trace } = exchange(context)?;
        let calls = &self.app.calls;
        let Some(tool) = self.app.offered.tool(&request.name) else {
            calls.unknown_tool();
            return Err(ErrorData::invalid_params("Unknown tool", None));
        };
        let slot = match slot {
            Some(slot) => Ok(slot),
            None => calls.admit(&caller, tool.timeout).await.map(Arc::new).inspect_err(|refusal| {
                calls.refused(&caller, refusal, Some(tool.about.name));
            }),
        };
        let result = match slot {
            Ok(slot) => {
                let request = Request { arguments: request.arguments.unwrap_or_default(), trace, progress };
                calls.run(Arc::clone(&caller), tool, request, slot).await
            }
            Err(refusal) => Err(refusal),
        };
        Ok(tool_result(result, &caller).into())
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let caller = exchange(context)?.caller;
        let uri = json::well_formed(&request.uri);
        let not_found = || {
            let data = json!({ "uri": uri });
            ErrorData::new(ErrorCode::INVALID_PARAMS, "Resource not found", Some(data))
        };
        let (resource, variable) = self.app.offered.resource(&request.uri).ok_or_else(not_found)?;
        let read = resource.read(Context::of(Arc::clone(&caller)), variable);
        match self.app.calls.read(&caller, "resource_read", &resource.about, None, read).await {
            Ok(document) => {
                let contents = ResourceContents::text(document.to_string(), uri).with_mime_type(MIME_TYPE);
                Ok(ReadResourceResult::new(vec![contents]).into())
            }
            Err(failure) if failure.code() == fault::OPERATION_NOT_FOUND => Err(not_found()),
            Err(failure) => Err(presentable(&caller, &failure)),
        }
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let caller = exchange(context)?.caller;
        let arguments = request.arguments.unwrap_or_default();
        let prompt = self.app.offered.prompt(&request.name);
        let prompt = prompt.ok_or_else(|| ErrorData::invalid_params("Unknown prompt", None))?;
        let missing = prompt.arguments.iter().find(|argument| !arguments.contains_key(argument.name));
        if let Some(argument) = missing {
            return Err(ErrorData::invalid_params(format!("Missing argument: {}", argument.name), None));
        }
        let given: BTreeMap<_, _> = arguments
            .iter()
            .map(|(name, value)| (name.clone(), json::well_formed(value.as_str().unwrap_or_default())))
            .collect();
        let canonical = json::write(&given);
        let render = async { Ok((prompt.render)(&given)) };
        let rendered =
            self.app.calls.read(&caller, "prompt_read", &prompt.about, Some(&canonical), render).await;
        let text = rendered.map_err(|failure| presentable(&caller, &failure))?;
        let result = GetPromptResult::new(vec![PromptMessage::new_text(Role::User, text)]);
        Ok(result.with_description(prompt.about.full_description()).into())
    }
}

fn exchange(mut context: RequestContext<RoleServer>) -> Result<Exchange, ErrorData> {
    context.extensions.remove().ok_or_else(|| ErrorData::internal_error("no transport", None))
}

/// What goes wrong outside of a tool.
fn presentable(caller: &Caller, failure: &Fault) -> ErrorData {
    let id = &caller.correlation_id;
    if failure.code() == fault::INTERNAL {
        let (error_code, exception) = (failure.code().name, failure.exception());
        caller.span().in_scope(|| tracing::error!(error_code, exception, "request.crashed"));
    }
    let is_ours = failure.code().category == Category::Server;
    let code = if is_ours { ErrorCode::INTERNAL_ERROR } else { ErrorCode::INVALID_PARAMS };
    ErrorData::new(code, failure.message().to_owned(), Some(failure.payload(id)))
}

/// A tool error is a result whose text is exactly `{"error": …}`.
fn tool_result(result: Result<Answer, Fault>, caller: &Caller) -> CallToolResult {
    match result {
        Ok(Answer { value, text }) => {
            let mut result = CallToolResult::default();
            result.content = vec![ContentBlock::text(text)];
            result.structured_content = Some(value);
            result
        }
        Err(failure) => {
            let error = json!({ "error": failure.payload(&caller.correlation_id) });
            CallToolResult::error(vec![ContentBlock::text(error.to_string())])
        }
    }
}
