//! The Rust SDK's quick start with one tool, as like the sample's `process_text` as a function with typed arguments is.

use chrono::{DateTime, Utc};
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::wrapper::{Json, Parameters};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ServerHandler, schemars, tool, tool_handler, tool_router};
use serde::{Deserialize, Serialize};

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(default)]
struct Options {
    uppercase: bool,
    trim: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { uppercase: false, trim: true }
    }
}

#[derive(Deserialize, schemars::JsonSchema)]
struct Input {
    text: String,
    #[serde(default)]
    options: Options,
}

#[derive(Serialize, schemars::JsonSchema)]
struct Metadata {
    processed_at: DateTime<Utc>,
    input_length: usize,
    output_length: usize,
    word_count: usize,
}

#[derive(Serialize, schemars::JsonSchema)]
struct Output {
    result: String,
    metadata: Metadata,
}

#[derive(Clone)]
struct QuickStart {
    tools: ToolRouter<Self>,
}

#[tool_router(router = tools)]
impl QuickStart {
    #[tool(description = "Trim a text, optionally convert it to upper case, and count its characters and words.")]
    fn process_text(&self, Parameters(input): Parameters<Input>) -> Json<Output> {
        let trimmed = if input.options.trim { input.text.trim() } else { &input.text };
        let result = if input.options.uppercase { trimmed.to_uppercase() } else { trimmed.to_owned() };
        let metadata = Metadata {
            processed_at: Utc::now(),
            input_length: input.text.chars().count(),
            output_length: result.chars().count(),
            word_count: result.split_whitespace().count(),
        };
        Json(Output { result, metadata })
    }
}

#[tool_handler(router = self.tools)]
impl ServerHandler for QuickStart {}

#[tokio::main]
async fn main() {
    let port = std::env::args().nth(1).unwrap();
    let service = StreamableHttpService::new(
        || Ok(QuickStart { tools: QuickStart::tools() }),
        NeverSessionManager::default().into(),
        StreamableHttpServerConfig::default().with_legacy_session_mode(false).with_json_response(true),
    );
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await.unwrap();
    axum::serve(listener, axum::Router::new().route_service("/mcp", service)).await.unwrap();
}
