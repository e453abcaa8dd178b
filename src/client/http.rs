//! A server at an address: each message is a POST, answered with JSON or with a stream of events.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};
use serde_json::Value;

use super::{Fault, LARGEST, failure, protocol, result, shown};
use crate::error::{Code, Error, Result};

const SESSION: &str = "mcp-session-id";
/// How long leaving a session may take; nothing depends on it.
const LEAVING: Duration = Duration::from_secs(2);

/// An endpoint.
pub(super) struct Endpoint {
    client: Client,
    url: Url,
    version: String,
    session: Option<HeaderValue>,
}

impl Endpoint {
    pub(super) fn new(url: &str, token: Option<&str>) -> Result<Self> {
        let url = Url::parse(url)
            .map_err(|error| Error::new(Code::Usage, format!("--url is no address: {error}")))?;
        // One provider of cryptography for the process; a second time it is there already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(token) = token {
            let value = HeaderValue::from_str(&format!("Bearer {token}"));
            let mut value =
                value.map_err(|_| Error::new(Code::Usage, "the token holds what no header may hold"))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        // A redirect would lead the token away, and turn a POST into a GET.
        let mut client = Client::builder().default_headers(headers).redirect(Policy::none());
        if is_loopback(&url) {
            client = client.no_proxy();
        }
        let client =
            client.build().map_err(|error| failure(format!("cannot start a client: {}", cause(&error))))?;
        Ok(Self { client, url, version: protocol::FIRST.to_owned(), session: None })
    }

    /// Says from now on that this version is spoken.
    pub(super) fn speak(&mut self, version: &str) {
        version.clone_into(&mut self.version);
    }

    /// Starts over with this version.
    pub(super) fn restart(&mut self, version: &str) {
        self.session = None;
        self.speak(version);
    }

    pub(super) async fn send(&mut self, message: &Value) -> std::result::Result<Value, Fault> {
        let mut request = self.client.post(self.url.clone()).header("mcp-protocol-version", &self.version);
        if let Some(method) = message.get("method").and_then(Value::as_str) {
            request = request.header("mcp-method", method);
        }
        if let Some(session) = &self.session {
            request = request.header(SESSION, session);
        }
        let response = request.body(message.to_string()).send().await;
        let response = response.map_err(|error| {
            let told = self.unreachable(&error);
            if error.is_connect() || error.is_builder() { Fault::Final(told) } else { Fault::Unclear(told) }
        })?;
        if self.session.is_none() {
            self.session = response.headers().get(SESSION).cloned();
        }
        match message.get("id") {
            None if response.status().is_success() => Ok(Value::Null),
            id => self.answer(response, id).await,
        }
    }

    async fn answer(&self, mut response: Response, id: Option<&Value>) -> std::result::Result<Value, Fault> {
        let status = response.status();
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if status.is_success() && kind == "text/event-stream" {
            return self.events(&mut response, id).await;
        }
        let target =
            response.headers().get(LOCATION).and_then(|target| target.to_str().ok()).map(str::to_owned);
        let mut body = Vec::new();
        while let Some(chunk) = self.chunk(&mut response).await? {
            body.extend_from_slice(&chunk);
            bounded(body.len())?;
        }
        match serde_json::from_slice::<Value>(&body) {
            // Refusals of the protocol come with a status of their own.
            Ok(answer) if status.is_success() || is_response(&answer) && !is_final(status) => result(answer),
            _ if status.is_success() => Err(Fault::Unclear(self.unlike(&kind, &body))),
            _ if is_final(status) => Err(Fault::Final(self.refused(status, target))),
            _ => Err(Fault::Unclear(self.refused(status, target))),
        }
    }

    /// Reads a stream of events until the response to `id`.
    async fn events(&self, response: &mut Response, id: Option<&Value>) -> std::result::Result<Value, Fault> {
        let mut rest = Vec::new();
        let mut data = String::new();
        while let Some(chunk) = self.chunk(response).await? {
            rest.extend_from_slice(&chunk);
            bounded(rest.len() + data.len())?;
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = rest.drain(..=end).collect();
                let line = String::from_utf8_lossy(&line);
                let line = line.trim_end_matches(['\r', '\n']);
                if let Some(more) = line.strip_prefix("data:") {
                    data.push_str(more.strip_prefix(' ').unwrap_or(more));
                    data.push('\n');
                } else if line.is_empty() && !data.trim().is_empty() {
                    let message: Value = serde_json::from_str(&data)
                        .map_err(|_| Fault::Unclear(self.unlike("text/event-stream", data.as_bytes())))?;
                    if is_response(&message) && message.get("id") == id {
                        return result(message);
                    }
                    data.clear();
                }
            }
        }
        Err(Fault::Unclear(failure(format!("{} ended its stream of events before it answered", self.name()))))
    }

    async fn chunk(&self, response: &mut Response) -> std::result::Result<Option<Vec<u8>>, Fault> {
        let chunk = response.chunk().await.map_err(|error| Fault::Unclear(self.unreachable(&error)))?;
        Ok(chunk.map(|chunk| chunk.to_vec()))
    }

    /// Tells the server that the session ends.
    pub(super) async fn leave(self) {
        if let Some(session) = self.session {
            let request = self.client.delete(self.url).header(SESSION, session);
            let _ = request.header("mcp-protocol-version", self.version).timeout(LEAVING).send().await;
        }
    }

    /// The address without what is secret in it.
    fn name(&self) -> String {
        let mut url = self.url.clone();
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_query(None);
        url.to_string()
    }

    fn unreachable(&self, error: &reqwest::Error) -> Error {
        failure(format!("{} cannot be reached: {}", self.name(), cause(error)))
    }

    fn refused(&self, status: StatusCode, target: Option<String>) -> Error {
        let error = failure(format!("{} answered {status}", self.name()));
        match (status, target) {
            (StatusCode::UNAUTHORIZED, _) => error.hint("it asks for a token: --bearer-file FILE"),
            (StatusCode::FORBIDDEN, _) => error.hint("the token or its scopes do not suffice"),
            (StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED, _) => {
                error.hint("is this the address of its MCP endpoint? It often ends in /mcp")
            }
            (status, Some(target)) if status.is_redirection() => {
                error.hint(format!("it redirects to {}", shown(&target)))
            }
            _ => error,
        }
    }

    fn unlike(&self, kind: &str, body: &[u8]) -> Error {
        let kind = if kind.is_empty() { "what has no type" } else { kind };
        let text = shown(&String::from_utf8_lossy(body));
        let error =
            failure(format!("{} answered with {kind}, which is no message of MCP: {text}", self.name()));
        error.hint("is this the address of its MCP endpoint? It often ends in /mcp")
    }
}

fn bounded(size: usize) -> std::result::Result<(), Fault> {
    if size > LARGEST {
        return Err(Fault::Final(failure("the server's answer is larger than 32 MiB".to_owned())));
    }
    Ok(())
}

fn is_response(message: &Value) -> bool {
    message.get("result").is_some() || message.get("error").is_some_and(Value::is_object)
}

/// Whether asking in another era is in vain.
fn is_final(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) || status.is_redirection()
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// What lies at the bottom of an error, in words.
fn cause(error: &reqwest::Error) -> String {
    let mut cause: &(dyn std::error::Error + 'static) = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    match cause.downcast_ref::<io::Error>().map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => {
            "the connection is refused: does the server run?".to_owned()
        }
        Some(io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof) => {
            "the server closed the connection before it answered".to_owned()
        }
        _ if cause.to_string() == "tls handshake eof" => {
            "it broke off the TLS handshake: does it speak https?".to_owned()
        }
        _ if error.is_builder() => "only http:// and https:// can be asked".to_owned(),
        _ => cause.to_string(),
    }
}
