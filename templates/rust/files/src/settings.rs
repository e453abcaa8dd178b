//! This server's settings: the standard's, and its own.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::chassis::settings::{Reader, Secret, Settings as Standard, visible_ascii};

/// What the environment says.
#[derive(Clone, Debug)]
pub struct Settings {
    pub standard: Standard,
    pub records: Records,
}

/// Of the external service that the sample looks records up in.
#[derive(Clone, Debug)]
pub struct Records {
    /// None without the service; its tool is left out then.
    pub base_url: Option<Url>,
    pub api_key: Option<Arc<Secret>>,
    pub timeout: Duration,
    pub max_concurrency: usize,
}

impl Settings {
    /// Reads all settings; problems are the reader's.
    pub fn read(r: &mut Reader, name: &str, tool_names: &[&str]) -> Self {
        Self {
            records: Records {
                base_url: r.url("MCP_API_BASE_URL", true),
                api_key: r.secret("MCP_API_KEY", visible_ascii),
                timeout: r.seconds("MCP_API_TIMEOUT_SECONDS", 5.0, 0.001),
                max_concurrency: r.count("MCP_API_MAX_CONCURRENCY", 16, 1),
            },
            standard: Standard::read(r, name, tool_names),
        }
    }
}
