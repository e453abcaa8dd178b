//! The yardstick: the SDK's quick start with one equal tool on http, and nothing else.

use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::wrapper::{Json, Parameters};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ServerHandler, schemars, tool, tool_handler, tool_router};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

#[derive(Deserialize, schemars::JsonSchema)]
struct Input {
    text: String,
    #[serde(default = "once")]
    times: usize,
}

const fn once() -> usize {
    1
}

#[derive(Serialize, schemars::JsonSchema)]
struct Output {
    text: String,
    subject: String,
}

#[derive(Clone)]
struct QuickStart {
    tools: ToolRouter<Self>,
}

#[tool_router(router = tools)]
impl QuickStart {
    #[tool(description = "Returns a text as it came.")]
    #[allow(clippy::unused_self, reason = "as the SDK's examples write it")]
    fn echo(&self, Parameters(input): Parameters<Input>) -> Json<Output> {
        Json(Output { text: input.text.repeat(input.times), subject: String::new() })
    }
}

#[tool_handler(router = self.tools)]
impl ServerHandler for QuickStart {}

#[tokio::main]
pub async fn serve() {
    let config =
        StreamableHttpServerConfig::default().with_legacy_session_mode(false).with_json_response(true);
    let service = StreamableHttpService::new(
        || Ok(QuickStart { tools: QuickStart::tools() }),
        NeverSessionManager::default().into(),
        config,
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("a port").port();
    eprintln!(r#"{{"event":"server.started","port":{port}}}"#);
    axum::serve(listener, axum::Router::new().route_service("/mcp", service)).await.expect("it serves");
}
