//! The taxonomy of errors that a client can see: a code, its category, a message that names the field or key and the
//! reason, and never the value that was refused.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value, json};

/// Whose fault it is; it labels metrics and logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Category {
    #[serde(rename = "client_error")]
    Client,
    #[serde(rename = "business_error")]
    Business,
    #[serde(rename = "server_error")]
    Server,
}

impl Category {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client_error",
            Self::Business => "business_error",
            Self::Server => "server_error",
        }
    }
}

/// One kind of error; clients decide by its name.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    pub name: &'static str,
    pub category: Category,
    /// The HTTP status of a refusal; an error that only tools raise reads as 500.
    pub status: u16,
    message: &'static str,
}

impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Code {
    const fn of(category: Category, status: u16, name: &'static str, message: &'static str) -> Self {
        Self { name, category, status, message }
    }

    /// An error that a tool names itself: what was asked for cannot be done, and nobody failed.
    #[must_use]
    pub const fn business(name: &'static str, message: &'static str) -> Self {
        Self::of(Category::Business, 500, name, message)
    }
}

use Category::{Client, Server};

pub const INVALID_ARGUMENT: Code = Code::of(Client, 400, "invalid_argument", "Invalid arguments");
pub const INVALID_REQUEST: Code = Code::of(Client, 400, "invalid_request", "Invalid request");
pub const UNAUTHENTICATED: Code =
    Code::of(Client, 401, "unauthenticated", "a valid bearer token is required");
pub const INSUFFICIENT_SCOPE: Code = Code::of(Client, 403, "insufficient_scope", "scope required");
pub const FORBIDDEN: Code = Code::of(Client, 403, "forbidden", "forbidden");
pub const NOT_ACCEPTABLE: Code =
    Code::of(Client, 406, "not_acceptable", "Accept must allow application/json and text/event-stream");
pub const TOO_LARGE: Code = Code::of(Client, 413, "too_large", "request body is larger than allowed");
pub const UNSUPPORTED_MEDIA_TYPE: Code =
    Code::of(Client, 415, "unsupported_media_type", "content type must be application/json");
pub const RATE_LIMITED: Code = Code::of(Client, 429, "rate_limited", "rate limit exceeded");
pub const OPERATION_NOT_FOUND: Code =
    Code::business("operation_not_found", "operation_id: no such operation");
pub const STATE_CONFLICT: Code =
    Code::business("state_conflict", "idempotency_key: already used with other arguments");
pub const TOO_MANY_OPERATIONS: Code = Code::business("too_many_operations", "too many running operations");
pub const OVERLOADED: Code = Code::of(Server, 503, "overloaded", "the server is at capacity");
pub const SHUTTING_DOWN: Code = Code::of(Server, 503, "shutting_down", "the server is shutting down");
pub const DEPENDENCY_UNAVAILABLE: Code =
    Code::of(Server, 503, "dependency_unavailable", "a dependency is unavailable");
pub const TIMEOUT: Code = Code::of(Server, 500, "timeout", "the tool did not finish in time");
pub const RESULT_TOO_LARGE: Code =
    Code::of(Server, 500, "result_too_large", "the result is larger than allowed");
pub const INTERNAL: Code = Code::of(Server, 500, "internal", "internal error");

/// An error whose message and details may be shown to the client; its cause may not.
#[derive(Debug, thiserror::Error)]
pub struct Fault(Box<Parts>);

#[derive(Debug)]
struct Parts {
    code: Code,
    message: String,
    details: Map<String, Value>,
    cause: Option<String>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code.name, self.0.message)
    }
}

impl From<Code> for Fault {
    fn from(code: Code) -> Self {
        Self(Box::new(Parts { code, message: code.message.to_owned(), details: Map::new(), cause: None }))
    }
}

impl Fault {
    /// What nobody expected; the cause is for the log.
    #[must_use]
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self::from(INTERNAL).because(cause)
    }

    #[must_use]
    pub fn saying(mut self, message: impl Into<String>) -> Self {
        self.0.message = message.into();
        self
    }

    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.details.insert(key.to_owned(), value.into());
        self
    }

    /// Keeps the cause for logs.
    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// Tells the client when to come back: whole seconds, at least one.
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        self.with("retry_after_seconds", seconds.max(1))
    }

    #[must_use]
    pub fn code(&self) -> Code {
        self.0.code
    }

    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    #[must_use]
    pub fn detail(&self, key: &str) -> Option<&Value> {
        self.0.details.get(key)
    }

    /// What is told of it to whoever debugs.
    #[must_use]
    pub fn exception(&self) -> &str {
        self.0.cause.as_deref().unwrap_or(&self.0.message)
    }

    /// The error as the client of the call with that correlation id sees it.
    #[must_use]
    pub fn payload(&self, correlation_id: &str) -> Value {
        json!({
            "category": self.0.code.category,
            "code": self.0.code.name,
            "message": self.0.message,
            "details": self.0.details,
            "correlation_id": correlation_id,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_sees() {
        let fault = Fault::from(RATE_LIMITED).retry_after(Duration::from_millis(1200)).because("secret");
        let payload = fault.payload("id");
        assert_eq!(payload["details"]["retry_after_seconds"], 2);
        assert_eq!(
            (payload["category"].as_str(), payload["code"].as_str()),
            (Some("client_error"), Some("rate_limited"))
        );
        assert!(!payload.to_string().contains("secret"));
        assert_eq!(fault.exception(), "secret");
        assert_eq!(
            Fault::from(OVERLOADED).retry_after(Duration::ZERO).detail("retry_after_seconds"),
            Some(&json!(1))
        );
    }
}
