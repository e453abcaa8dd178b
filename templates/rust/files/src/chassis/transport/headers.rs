//! Headers of a request and of its answer.

use axum::http::header::{HeaderMap, HeaderName, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rmcp::ErrorData;
use rmcp::model::ErrorCode;

use super::handler::VERSIONS;
use super::message::{Message, unsupported_version};
use crate::chassis::observe::PROTOCOL;

pub fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

pub fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

pub fn lines<'a>(headers: &'a HeaderMap, name: &str) -> impl DoubleEndedIterator<Item = &'a str> {
    headers.get_all(name).iter().filter_map(|value| value.to_str().ok())
}

/// The protocol without sessions wants each request to tell of its client, and repeats in headers what the body says;
/// both must say the same. The others name the one that they agreed on.
pub fn disagreement(headers: &HeaderMap, message: &Message) -> Option<ErrorData> {
    message.id.as_ref()?;
    let version = header(headers, "mcp-protocol-version");
    let is_modern = version.is_some_and(|version| version >= PROTOCOL);
    if !is_modern && !message.is_modern() {
        let is_known = |version: &&str| VERSIONS.iter().any(|known| known.as_str() == *version);
        let version = version.filter(|version| message.method != "initialize" && !is_known(version))?;
        return Some(unsupported_version(&VERSIONS, version));
    }
    let missing = message.missing_meta();
    if !missing.is_empty() {
        let reason = format!("params._meta must hold {}", missing.join(" and "));
        return Some(ErrorData::invalid_params(reason, None));
    }
    let name = match message.method.as_str() {
        "tools/call" | "prompts/get" => Some(message.text("name")),
        "resources/read" => Some(message.text("uri")),
        _ => None,
    };
    let told = header(headers, "mcp-name").map(decoded);
    let wrong = if version != message.version() {
        "MCP-Protocol-Version"
    } else if header(headers, "mcp-method") != Some(&message.method) {
        "Mcp-Method"
    } else if name.is_some() && told.as_deref() != name {
        "Mcp-Name"
    } else {
        return None;
    };
    Some(ErrorData::new(ErrorCode::HEADER_MISMATCH, format!("{wrong} must agree with the body"), None))
}

/// A name outside of ASCII comes as `=?base64?…?=`.
fn decoded(value: &str) -> String {
    let inner = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?="));
    let bytes = inner.and_then(|inner| STANDARD.decode(inner).ok());
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_else(|| value.to_owned())
}
