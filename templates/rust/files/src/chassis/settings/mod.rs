//! The settings of the standard, read from the environment.

mod proxy;
mod reader;
mod secret;
pub mod urls;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

pub use self::proxy::Proxies;
pub use self::reader::{Network, Reader};
pub use self::secret::{Secret, visible_ascii};

/// Those of every server of the standard; `MCP_…` in the README's table.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct Settings {
    pub server_name: String,
    pub transport: String,
    pub host: String,
    pub port: u16,
    pub public_url: Option<Url>,
    pub allowed_hosts: Vec<String>,
    pub allowed_origins: Vec<String>,
    pub trusted_proxies: Vec<Network>,

    pub log_level: String,
    pub log_format: String,
    pub debug: bool,

    pub enable_writes: bool,
    pub tools_enabled: Vec<String>,
    pub tools_disabled: Vec<String>,

    pub auth_mode: String,
    pub auth_issuer: Option<String>,
    pub auth_audience: Option<String>,
    pub jwks_url: Option<Url>,
    pub jwks_file: Option<String>,
    pub allow_unauthenticated: bool,

    pub rate_per_minute: u32,
    pub rate_burst: u32,
    pub max_concurrency: usize,
    pub max_queue: usize,
    pub tool_timeout: Duration,
    pub max_body_bytes: usize,
    pub max_result_bytes: usize,

    pub shutdown_delay: Duration,
    pub shutdown_grace: Duration,

    pub state_url: Option<Arc<Secret>>,
    pub state_ttl: Duration,
    pub max_operations: usize,

    pub retry_attempts: usize,
    pub breaker_failures: u32,
    pub breaker_reset: Duration,

    pub otlp_endpoint: Option<Url>,
    /// How outgoing requests find theirs.
    pub proxies: Arc<Proxies>,
}

impl Settings {
    /// Reads them. The name is the server's default one; tool names are all that may be enabled. Problems are the
    /// reader's.
    pub fn read(r: &mut Reader, name: &str, tool_names: &[&str]) -> Self {
        let settings = Self {
            server_name: r.text("MCP_SERVER_NAME", name, 200),
            transport: r.choice("MCP_TRANSPORT", "stdio", &["stdio", "http"]),
            host: r.text("MCP_SERVER_HOST", "127.0.0.1", 255),
            port: r.integer("MCP_SERVER_PORT", 8000, 0, 65_535),
            public_url: r.url("MCP_PUBLIC_URL", true),
            allowed_hosts: r.list("MCP_ALLOWED_HOSTS"),
            allowed_origins: r.list("MCP_ALLOWED_ORIGINS"),
            trusted_proxies: r.networks("MCP_TRUSTED_PROXIES"),
            log_level: r.choice("MCP_LOG_LEVEL", "INFO", &["DEBUG", "INFO", "WARNING", "ERROR"]),
            log_format: r.choice("MCP_LOG_FORMAT", "json", &["json", "console"]),
            debug: r.boolean("MCP_DEBUG_MODE", false),
            enable_writes: r.boolean("MCP_ENABLE_WRITES", false),
            tools_enabled: r.list("MCP_TOOLS_ENABLED"),
            tools_disabled: r.list("MCP_TOOLS_DISABLED"),
            auth_mode: r.choice("MCP_AUTH_MODE", "none", &["none", "jwt"]),
            auth_issuer: r.url("MCP_AUTH_ISSUER", false).and(r.raw("MCP_AUTH_ISSUER")),
            auth_audience: r.optional("MCP_AUTH_AUDIENCE", 2000),
            jwks_url: r.url("MCP_AUTH_JWKS_URL", false),
            jwks_file: r.optional("MCP_AUTH_JWKS_FILE", 4096),
            allow_unauthenticated: r.boolean("MCP_ALLOW_UNAUTHENTICATED", false),
            rate_per_minute: r.count("MCP_RATE_LIMIT_PER_MINUTE", 600, 0),
            rate_burst: r.count("MCP_RATE_LIMIT_BURST", 60, 0),
            max_concurrency: r.count("MCP_MAX_CONCURRENCY", 64, 1),
            max_queue: r.count("MCP_MAX_QUEUE", 256, 0),
            tool_timeout: r.seconds("MCP_TOOL_TIMEOUT_SECONDS", 30.0, 0.001),
            max_body_bytes: r.count("MCP_MAX_BODY_BYTES", 1_048_576, 1),
            max_result_bytes: r.count("MCP_MAX_RESULT_BYTES", 262_144, 1),
            shutdown_delay: r.seconds("MCP_SHUTDOWN_DELAY_SECONDS", 0.0, 0.0),
            shutdown_grace: r.seconds("MCP_SHUTDOWN_GRACE_SECONDS", 35.0, 0.0),
            state_url: r.secret("MCP_STATE_URL", check_state_url),
            state_ttl: Duration::from_secs(r.count("MCP_STATE_TTL_SECONDS", 3600, 1)),
            max_operations: r.count("MCP_MAX_OPERATIONS", 16, 1),
            retry_attempts: r.integer("MCP_RETRY_ATTEMPTS", 3, 1, 100),
            breaker_failures: r.count("MCP_BREAKER_FAILURES", 5, 1),
            breaker_reset: r.seconds("MCP_BREAKER_RESET_SECONDS", 30.0, 0.001),
            otlp_endpoint: r.url("OTEL_EXPORTER_OTLP_ENDPOINT", false),
            proxies: Arc::new(Proxies::read(r)),
        };
        if r.problems().is_empty() {
            settings.check(r, tool_names);
        }
        settings
    }

    /// Finds what is wrong with settings that are fine one by one.
    fn check(&self, r: &mut Reader, tool_names: &[&str]) {
        let lists =
            [("MCP_TOOLS_ENABLED", &self.tools_enabled), ("MCP_TOOLS_DISABLED", &self.tools_disabled)];
        for (name, list) in lists {
            let mut unknown: Vec<&str> =
                list.iter().map(String::as_str).filter(|tool| !tool_names.contains(tool)).collect();
            if !unknown.is_empty() {
                let mut names = tool_names.to_vec();
                names.sort_unstable();
                unknown.sort_unstable();
                r.problem(name, &unknown.join(","), &format!("expected names among {}", names.join(", ")));
            }
        }
        if self.rate_per_minute > 0 && self.rate_burst == 0 {
            r.problem("MCP_RATE_LIMIT_BURST", "0", "expected at least 1 with a rate limit");
        }
        match (self.transport.as_str(), self.auth_mode.as_str()) {
            ("stdio", _) => {}
            (_, "none") if !is_loopback(&self.host) && !self.allow_unauthenticated => r.problem(
                "MCP_SERVER_HOST",
                &self.host,
                "expected a loopback address without authentication; set MCP_AUTH_MODE=jwt, or \
                 MCP_ALLOW_UNAUTHENTICATED=true",
            ),
            (_, "none") => {}
            _ => self.check_auth(r),
        }
    }

    fn check_auth(&self, r: &mut Reader) {
        if self.auth_issuer.is_none() {
            r.problem("MCP_AUTH_ISSUER", "", "expected the issuer's URL with MCP_AUTH_MODE=jwt");
        }
        if self.jwks_url.is_none() == self.jwks_file.is_none() {
            r.problem("MCP_AUTH_JWKS_URL", "", "expected it or MCP_AUTH_JWKS_FILE, one of the two");
        }
        let is_wildcard = self.host.parse::<IpAddr>().is_ok_and(|address| address.is_unspecified());
        if is_wildcard && self.public_url.is_none() {
            r.problem(
                "MCP_PUBLIC_URL",
                "",
                &format!("expected a URL with jwt on wildcard host {}", self.host),
            );
        }
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn check_state_url(value: &str) -> Option<&'static str> {
    let is_redis = |url: Url| ["redis", "rediss"].contains(&url.scheme());
    let known = value == "memory://" || urls::parse(value).is_some_and(is_redis);
    (!known).then_some("expected memory://, redis://HOST or rediss://HOST")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(environment: &[(&str, &str)]) -> Vec<String> {
        let pairs = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut reader = Reader::new(pairs);
        Settings::read(&mut reader, "name", &["a", "b"]);
        reader.problems().to_vec()
    }

    #[test]
    fn what_goes_together() {
        for (environment, wanted) in [
            (&[][..], ""),
            (
                &[("MCP_TRANSPORT", "http"), ("MCP_SERVER_HOST", "0.0.0.0")],
                "MCP_SERVER_HOST=0.0.0.0: expected a loopback",
            ),
            (&[("MCP_TRANSPORT", "http"), ("MCP_AUTH_MODE", "jwt")], "MCP_AUTH_ISSUER=: expected"),
            (&[("MCP_TOOLS_ENABLED", "a,c")], "MCP_TOOLS_ENABLED=c: expected names among a, b"),
            (&[("MCP_RATE_LIMIT_BURST", "0")], "MCP_RATE_LIMIT_BURST=0: expected at least 1"),
            (&[("MCP_STATE_URL", "redis://h:99999")], "MCP_STATE_URL: expected memory://"),
            (&[("MCP_STATE_URL", "http://user:secret@h")], "MCP_STATE_URL: expected memory://"),
            (
                &[("HTTPS_PROXY", "socks5://h")],
                "HTTPS_PROXY: only http:// and https:// proxies are supported",
            ),
        ] {
            let found = problems(environment);
            assert_eq!(found.is_empty(), wanted.is_empty(), "{found:?}");
            assert!(found.first().is_none_or(|first| first.starts_with(wanted)), "{found:?}");
            assert!(!found.join("").contains("secret"));
        }
    }
}
