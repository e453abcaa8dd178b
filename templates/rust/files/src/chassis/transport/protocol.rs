//! Hands what a transport has read to the SDK. It keeps no session: a request is all that is known of its client, so
//! that any replica can answer it.

use std::convert::Infallible;
use std::future::{pending, ready};
use std::sync::Arc;

use rmcp::model::{
    CallToolRequestParams, ClientCapabilities, ClientJsonRpcMessage, ClientRequest, DiscoverRequestParams,
    GetPromptRequestParams, Implementation, InitializeRequestParams, ReadResourceRequestParams, Request,
    RequestId, RequestNoParam, RequestOptionalParam, ServerJsonRpcMessage, ServerResult,
};
use rmcp::service::{RequestContext, RunningService, serve_directly};
use rmcp::transport::Transport;
use rmcp::{ErrorData, RoleServer, Service as _};
use serde_json::{Map, Value};

use super::handler::{Exchange, Handler};
use super::message::{Message, method_not_found};
use crate::chassis::app::App;

pub struct Protocol(RunningService<RoleServer, Handler>);

impl Protocol {
    /// Needs a runtime.
    pub fn new(app: Arc<App>) -> Self {
        Self(serve_directly(Handler::new(app), Nowhere, None))
    }

    pub fn app(&self) -> &Arc<App> {
        &self.0.service().app
    }

    /// Answers a request; an error is one that the client may see.
    pub async fn answer(&self, mut message: Message, exchange: Exchange) -> Result<ServerResult, ErrorData> {
        if !message.is_known() {
            return Err(method_not_found());
        }
        let mut context = RequestContext::new(RequestId::Number(0), self.0.peer().clone());
        context.extensions.insert(exchange);
        if let Some(Value::Object(meta)) = message.params.remove("_meta") {
            context.meta = meta.into();
        }
        let request = request(message).ok_or_else(method_not_found)?;
        self.0.service().handle_request(request, context).await
    }
}

/// The SDK's type of what is asked for; none for a method that nobody here answers.
fn request(message: Message) -> Option<ClientRequest> {
    let Message { method, mut params, .. } = message;
    let arguments = match params.remove("arguments") {
        Some(Value::Object(arguments)) => arguments,
        _ => Map::new(),
    };
    let mut text = |name: &str| match params.remove(name) {
        Some(Value::String(text)) => text,
        _ => String::new(),
    };
    Some(match method.as_str() {
        "initialize" => {
            let version = text("protocolVersion");
            // Whatever else the client tells of itself is gone with the request.
            let params =
                InitializeRequestParams::new(ClientCapabilities::default(), Implementation::new("", ""))
                    .with_protocol_version(serde_json::from_value(version.into()).ok()?);
            ClientRequest::InitializeRequest(Request::new(params))
        }
        "ping" => ClientRequest::PingRequest(RequestNoParam::default()),
        "server/discover" => ClientRequest::DiscoverRequest(Request::new(DiscoverRequestParams::default())),
        "tools/list" => ClientRequest::ListToolsRequest(RequestOptionalParam::default()),
        "resources/list" => ClientRequest::ListResourcesRequest(RequestOptionalParam::default()),
        "resources/templates/list" => {
            ClientRequest::ListResourceTemplatesRequest(RequestOptionalParam::default())
        }
        "prompts/list" => ClientRequest::ListPromptsRequest(RequestOptionalParam::default()),
        "tools/call" => {
            let params = CallToolRequestParams::new(text("name")).with_arguments(arguments);
            ClientRequest::CallToolRequest(Request::new(params))
        }
        "resources/read" => {
            ClientRequest::ReadResourceRequest(Request::new(ReadResourceRequestParams::new(text("uri"))))
        }
        "prompts/get" => {
            let params = GetPromptRequestParams::new(text("name")).with_arguments(arguments);
            ClientRequest::GetPromptRequest(Request::new(params))
        }
        _ => return None,
    })
}

/// The SDK wants a way to ask its client something; this server asks nothing.
struct Nowhere;

impl Transport<RoleServer> for Nowhere {
    type Error = Infallible;

    fn send(
        &mut self,
        _: ServerJsonRpcMessage,
    ) -> impl Future<Output = Result<(), Infallible>> + Send + 'static {
        ready(Ok(()))
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        pending().await
    }

    async fn close(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}
