//! Everything on http that comes before the protocol: who may come, what is well-formed, who has a place. A request
//! that it refuses takes no token of a rate limit.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::HeaderMap;
use hyper::{Method, Request, Response, StatusCode};
use prometheus::IntGauge;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::accept::accepts;
use super::headers::{disagreement, header, lines, set};
use super::message::{Malformed, Message};
use super::probes;
use super::protocol::{Extras, Protocol};
use super::reply::{self, Outcome, RpcError};
use crate::chassis::auth::Verifier;
use crate::chassis::caller::{Caller, correlation_id};
use crate::chassis::fault::{self, Fault};
use crate::chassis::json;
use crate::chassis::limit::Slot;
use crate::chassis::observe::Trace;
use crate::chassis::site::Site;

pub type Body = UnsyncBoxBody<Bytes, Infallible>;

const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// How much of a body that is too large is read nevertheless.
const MOST_PASSED_OVER: usize = 8 << 20;
const CORS: [(&str, &str); 5] = [
    ("allow", "POST, OPTIONS"),
    ("access-control-allow-methods", "POST, OPTIONS"),
    (
        "access-control-allow-headers",
        "authorization, content-type, accept, mcp-protocol-version, mcp-method, mcp-name, mcp-session-id, \
         x-request-id, traceparent, tracestate, baggage",
    ),
    ("access-control-expose-headers", "x-request-id, retry-after, www-authenticate"),
    ("access-control-max-age", "600"),
];

pub struct Gate {
    protocol: Protocol,
    site: Site,
    verifier: Option<Arc<Verifier>>,
    /// All that are asked for: whoever comes without a token where none is needed has them.
    scopes: Vec<String>,
}

/// Why a request does not reach the protocol.
enum Refusal {
    Malformed(Malformed),
    Fault { fault: Fault, id: Value, tool: Option<&'static str> },
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Fault { fault, id: Value::Null, tool: None }
    }
}

pub fn whole(text: impl Into<Bytes>) -> Body {
    Full::new(text.into()).boxed_unsync()
}

fn with_body(status: StatusCode, text: String) -> Response<Body> {
    let mut response = Response::new(whole(text));
    *response.status_mut() = status;
    set(response.headers_mut(), "content-type", "application/json");
    response
}

pub fn with_json(status: StatusCode, value: &Value) -> Response<Body> {
    with_body(status, json::write(value))
}

impl Gate {
    pub fn new(protocol: Protocol) -> Self {
        let app = &protocol.app;
        Self { site: app.site(), verifier: app.verifier(), scopes: app.offered.scopes(), protocol }
    }

    pub fn open_connections(&self) -> IntGauge {
        self.protocol.app.metrics.open_connections.clone()
    }

    pub async fn serve(self: Arc<Self>, request: Request<Incoming>, peer: IpAddr) -> Response<Body> {
        let headers = request.headers();
        let mut caller = Caller {
            correlation_id: correlation_id(header(headers, "x-request-id")),
            subject: "anonymous".to_owned(),
            ..Caller::default()
        };
        let id = caller.correlation_id.clone();
        let origin = header(headers, "origin").map(str::to_owned);
        let mut response = match probes::answer(&self.protocol.app, request.method(), request.uri().path()) {
            Some(answered) => answered,
            None => self.route(request, peer, &mut caller, origin.as_deref()).await,
        };
        let headers = response.headers_mut();
        set(headers, "x-request-id", &id);
        if self.protocol.app.lifecycle.is_draining() {
            set(headers, "connection", "close");
        }
        response
    }

    async fn route(
        self: &Arc<Self>,
        request: Request<Incoming>,
        peer: IpAddr,
        caller: &mut Caller,
        origin: Option<&str>,
    ) -> Response<Body> {
        let host =
            header(request.headers(), "host").or_else(|| request.uri().authority().map(|host| host.as_str()));
        if let Err(refused) = self.site.check(host.unwrap_or_default(), origin) {
            return self.refuse(caller, refused.into(), false);
        }
        let path = request.uri().path();
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        let mut response = if *request.method() == Method::OPTIONS {
            let mut response = Response::new(Body::default());
            *response.status_mut() = StatusCode::NO_CONTENT;
            CORS.iter().for_each(|(name, value)| set(response.headers_mut(), name, value));
            response
        } else if path == "/mcp" || path == "/mcp/" {
            self.serve_mcp(request, peer, caller).await
        } else if is_read && self.verifier.is_some() && self.site.metadata.iter().any(|known| known == path) {
            with_json(StatusCode::OK, &self.metadata())
        } else {
            with_json(StatusCode::NOT_FOUND, &json!({ "error": "not found" }))
        };
        if let Some(origin) = origin {
            let headers = response.headers_mut();
            set(headers, "access-control-allow-origin", origin);
            set(headers, CORS[3].0, CORS[3].1);
            set(headers, "vary", "Origin");
        }
        response
    }

    /// RFC 9728: which authorization server issues tokens for this resource.
    fn metadata(&self) -> Value {
        json!({
            "resource": self.site.resource,
            "authorization_servers": [self.protocol.app.settings.auth_issuer],
            "scopes_supported": self.scopes,
            "bearer_methods_supported": ["header"],
        })
    }

    /// Goes through the checks in their order.
    async fn serve_mcp(
        self: &Arc<Self>,
        request: Request<Incoming>,
        peer: IpAddr,
        caller: &mut Caller,
    ) -> Response<Body> {
        if *request.method() != Method::POST {
            let mut response = Response::new(Body::default());
            *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            set(response.headers_mut(), "allow", "POST, OPTIONS");
            return response;
        }
        let (head, body) = request.into_parts();
        let has_token = head.headers.contains_key("authorization");
        let message = match self.read(&head.headers, body, peer, caller).await {
            Ok(message) => message,
            Err(refusal) => return self.refuse(caller, refusal, has_token),
        };
        if let Some(error) = message.unsupported().or_else(|| disagreement(&head.headers, &message)) {
            let id = message.id.unwrap_or_default();
            return with_body(StatusCode::BAD_REQUEST, reply::encode(&id, &Outcome::Error(error)));
        }
        let slot = match self.admit(caller, &message).await {
            Ok(slot) => slot,
            Err(refusal) => return self.refuse(caller, refusal, has_token),
        };
        let Some(id) = message.id.clone() else {
            let mut response = Response::new(Body::default());
            *response.status_mut() = StatusCode::ACCEPTED;
            return response;
        };
        let parent = header(&head.headers, "traceparent").unwrap_or_default();
        let trace = Trace::read(parent, header(&head.headers, "tracestate").unwrap_or_default());
        self.respond(Arc::new(caller.clone()), message, id, Extras { slot, trace, progress: None }).await
    }

    /// Finds out who calls, and reads what is asked for.
    async fn read(
        &self,
        headers: &HeaderMap,
        body: Incoming,
        peer: IpAddr,
        caller: &mut Caller,
    ) -> Result<Message, Refusal> {
        caller.key = self.site.client(peer, lines(headers, "x-forwarded-for"));
        if let Some(verifier) = &self.verifier {
            let identity = verifier.verify(header(headers, "authorization").unwrap_or_default()).await?;
            caller.key.clone_from(&identity.subject);
            (caller.subject, caller.scopes) = (identity.subject, identity.scopes);
        } else {
            caller.scopes.clone_from(&self.scopes);
        }
        if !accepts(lines(headers, "accept")) {
            return Err(Fault::from(fault::NOT_ACCEPTABLE).into());
        }
        let kind = header(headers, "content-type").unwrap_or_default().split(';').next().unwrap_or_default();
        if !kind.trim().eq_ignore_ascii_case("application/json") {
            return Err(Fault::from(fault::UNSUPPORTED_MEDIA_TYPE).into());
        }
        let limit = self.protocol.app.settings.max_body_bytes;
        let length = header(headers, "content-length").and_then(|length| length.parse::<usize>().ok());
        if length.is_some_and(|length| length > limit) {
            pass_over(body).await;
            return Err(Fault::from(fault::TOO_LARGE).into());
        }
        let ended = || Refusal::Malformed(Malformed::parse_error("body ended before its time"));
        let read = tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, limit).collect()).await;
        match read.map_err(|_| ended())? {
            Ok(body) => Message::parse(&body.to_bytes()).map_err(Refusal::Malformed),
            Err(error) if error.is::<LengthLimitError>() => Err(Fault::from(fault::TOO_LARGE).into()),
            Err(_) => Err(ended()),
        }
    }

    /// Decides on the parsed body, never on a header.
    async fn admit(&self, caller: &Caller, message: &Message) -> Result<Option<Slot>, Refusal> {
        let app = &self.protocol.app;
        let id = message.id.clone().unwrap_or_default();
        let lacks = |scope: &str, tool| {
            let fault = Fault::from(fault::INSUFFICIENT_SCOPE).saying(format!("scope required: {scope}"));
            let fault = fault.with("required_scopes", vec![scope]);
            Err(Refusal::Fault { fault, id: id.clone(), tool })
        };
        match message.method.as_str() {
            "resources/read" => match app.offered.resource(message.text("uri")) {
                Some((found, _)) if !caller.has_scope(found.about.scope) => lacks(found.about.scope, None),
                _ => Ok(None),
            },
            "prompts/get" => match app.offered.prompt(message.text("name")) {
                Some(found) if !caller.has_scope(found.about.scope) => lacks(found.about.scope, None),
                _ => Ok(None),
            },
            "tools/call" => match app.offered.tool(message.text("name")).filter(|_| message.id.is_some()) {
                Some(tool) if !caller.has_scope(tool.about.scope) => {
                    lacks(tool.about.scope, Some(tool.about.name))
                }
                Some(tool) => match app.calls.admit(caller, tool.timeout).await {
                    Ok(slot) => Ok(Some(slot)),
                    Err(fault) => Err(Refusal::Fault { fault, id, tool: Some(tool.about.name) }),
                },
                None if app.lifecycle.is_draining() => {
                    let fault = Fault::from(fault::SHUTTING_DOWN).retry_after(Duration::from_secs(1));
                    Err(Refusal::Fault { fault, id, tool: None })
                }
                None => Ok(None),
            },
            _ => Ok(None),
        }
    }

    /// One JSON document, or a stream as soon as the client is told of progress.
    async fn respond(
        self: &Arc<Self>,
        caller: Arc<Caller>,
        message: Message,
        id: Value,
        mut extras: Extras,
    ) -> Response<Body> {
        let (tell, mut told) = mpsc::unbounded_channel();
        if let Some(token) = message.progress_token() {
            extras.progress = Some(Arc::new(move |share| {
                let _ = tell.send(reply::progress(&token, share)); // whoever is gone needs no news
            }));
        } else {
            drop(tell);
        }
        let is_unknown = message.is_modern() && !message.is_known();
        let status = if is_unknown { StatusCode::NOT_FOUND } else { StatusCode::OK };
        let in_flight = extras.slot.as_ref().map(|_| self.protocol.app.lifecycle.enter());
        let gate = Arc::clone(self);
        let mut work: BoxFuture<'static, String> = Box::pin(async move {
            let _in_flight = in_flight;
            reply::encode(&id, &gate.protocol.answer(caller, message, extras).await)
        });
        let first = tokio::select! {
            biased;
            Some(news) = told.recv() => news,
            answer = &mut work => return with_body(status, answer),
        };
        let mut response = Response::new(events(first, told, work));
        set(response.headers_mut(), "content-type", "text/event-stream");
        set(response.headers_mut(), "cache-control", "no-cache");
        response
    }

    /// Answers, counts and records a refusal.
    fn refuse(&self, caller: &Caller, refusal: Refusal, has_token: bool) -> Response<Body> {
        let (fault, id, tool, code, title) = match refusal {
            Refusal::Malformed(wrong) => {
                let fault = Fault::from(fault::INVALID_REQUEST).saying(&wrong.reason);
                let title = wrong.title().to_owned();
                (fault, wrong.id, None, wrong.code, title)
            }
            Refusal::Fault { fault, id, tool } => {
                let (code, title) = (i32::from(fault.code().status), fault.message().to_owned());
                (fault, id, tool, code, title)
            }
        };
        self.protocol.app.calls.refused(caller, &fault, tool);
        let error = RpcError::new(code, title).with(fault.payload(&caller.correlation_id));
        let status = StatusCode::from_u16(fault.code().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = with_body(status, reply::encode(&id, &Outcome::Error(error)));
        let headers = response.headers_mut();
        if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            let seconds = fault.detail("retry_after_seconds").and_then(Value::as_u64).unwrap_or(1);
            set(headers, "retry-after", &seconds.to_string());
        }
        if [fault::UNAUTHENTICATED, fault::INSUFFICIENT_SCOPE].contains(&fault.code()) {
            set(headers, "www-authenticate", &self.challenge(&fault, has_token));
        }
        response
    }

    fn challenge(&self, fault: &Fault, has_token: bool) -> String {
        let required = fault.detail("required_scopes").and_then(Value::as_array);
        let required =
            required.map(|scopes| scopes.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "));
        let (reason, scopes) = match required {
            Some(scopes) => (r#"error="insufficient_scope", "#, scopes),
            None if has_token => (r#"error="invalid_token", "#, self.scopes.join(" ")),
            None => ("", self.scopes.join(" ")),
        };
        format!(r#"Bearer {reason}scope="{scopes}", resource_metadata="{}""#, self.site.metadata_url)
    }
}

/// A client that is still sending hears no answer: what it sends is read for a while, and dropped.
async fn pass_over(mut body: Incoming) {
    let passing = async {
        let mut left = MOST_PASSED_OVER;
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(2), passing).await; // it has had its chance
}

type Told = mpsc::UnboundedReceiver<String>;

/// News, and then the answer, as events.
fn events(first: String, told: Told, work: BoxFuture<'static, String>) -> Body {
    let rest = stream::unfold(Some((told, work)), |state| async move {
        let (mut told, mut work) = state?;
        tokio::select! {
            biased;
            Some(news) = told.recv() => Some((news, Some((told, work)))),
            answer = &mut work => Some((answer, None)),
        }
    });
    let event = |text: String| Ok(Frame::data(Bytes::from(format!("event: message\ndata: {text}\n\n"))));
    StreamBody::new(stream::iter([first]).chain(rest).map(event)).boxed_unsync()
}
