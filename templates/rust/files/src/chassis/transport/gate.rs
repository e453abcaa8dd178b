//! Everything on http that comes before the protocol: who may come, what is well-formed, who has a place. A request
//! that it refuses takes no token of a rate limit.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderMap};
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, stream};
use rmcp::ErrorData;
use rmcp::model::ErrorCode;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::yield_now;

use super::accept::accepts;
use super::body::{self, Unread};
use super::handler::Exchange;
use super::headers::{disagreement, header, lines, set};
use super::message::{Malformed, Message};
use super::probes;
use super::protocol::Protocol;
use super::reply;
use crate::chassis::app::App;
use crate::chassis::auth::Verifier;
use crate::chassis::caller::{Caller, correlation_id};
use crate::chassis::fault::{self, Fault};
use crate::chassis::json;
use crate::chassis::limit::Slot;
use crate::chassis::observe::Trace;
use crate::chassis::site::Site;

const METHODS: &str = "POST, OPTIONS";
const EXPOSED: &str = "x-request-id, retry-after, www-authenticate";
const PREFLIGHT: [(&str, &str); 5] = [
    ("allow", METHODS),
    ("access-control-allow-methods", METHODS),
    (
        "access-control-allow-headers",
        "authorization, content-type, accept, mcp-protocol-version, mcp-method, mcp-name, mcp-session-id, \
         x-request-id, traceparent, tracestate, baggage",
    ),
    ("access-control-expose-headers", EXPOSED),
    ("access-control-max-age", "600"),
];

/// The other end of the connection that a request came on.
#[derive(Clone, Copy)]
pub struct Peer(pub IpAddr);

/// The request's own id, which every line and every error of it carries.
#[derive(Clone)]
struct CorrelationId(String);

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

fn with_text(status: StatusCode, text: String) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], text).into_response()
}

pub fn with_json(status: StatusCode, value: &Value) -> Response {
    with_text(status, json::write(value))
}

/// Every path of the server.
pub fn router(gate: Gate) -> Router {
    let gate = Arc::new(gate);
    let mcp = post(serve_mcp).fallback(no_method);
    let guarded = Router::new()
        .route("/mcp", mcp.clone())
        .route("/mcp/", mcp)
        .fallback(metadata)
        .layer(from_fn_with_state(Arc::clone(&gate), check_site));
    Router::new()
        .merge(probes::routes())
        .merge(guarded)
        .layer(from_fn_with_state(Arc::clone(&gate), correlate))
        .with_state(gate)
}

async fn correlate(State(gate): State<Arc<Gate>>, mut request: Request, next: Next) -> Response {
    let id = correlation_id(header(request.headers(), "x-request-id"));
    request.extensions_mut().insert(CorrelationId(id.clone()));
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    set(headers, "x-request-id", &id);
    if gate.app().lifecycle.is_draining() {
        set(headers, "connection", "close");
    }
    response
}

/// Knows which hosts and origins may come, and tells browsers.
async fn check_site(
    State(gate): State<Arc<Gate>>,
    Extension(CorrelationId(id)): Extension<CorrelationId>,
    request: Request,
    next: Next,
) -> Response {
    let origin = header(request.headers(), "origin").map(str::to_owned);
    let authority = || request.uri().authority().map(hyper::http::uri::Authority::as_str);
    let host = header(request.headers(), "host").or_else(authority);
    if let Err(refused) = gate.site.check(host.unwrap_or_default(), origin.as_deref()) {
        body::pass_over(request.into_body()).await;
        return gate.refuse(&Caller::anonymous(id), refused.into(), false);
    }
    let mut response = if *request.method() == Method::OPTIONS {
        let mut response = StatusCode::NO_CONTENT.into_response();
        for (name, value) in PREFLIGHT {
            set(response.headers_mut(), name, value);
        }
        response
    } else {
        next.run(request).await
    };
    if let Some(origin) = origin {
        let headers = response.headers_mut();
        set(headers, "access-control-allow-origin", &origin);
        set(headers, "access-control-expose-headers", EXPOSED);
        set(headers, "vary", "Origin");
    }
    response
}

async fn no_method() -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, METHODS)]).into_response()
}

/// RFC 9728: which authorization server issues tokens for this resource.
async fn metadata(State(gate): State<Arc<Gate>>, request: Request) -> Response {
    let path = request.uri().path();
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    if !is_read || gate.verifier.is_none() || !gate.site.metadata.iter().any(|known| known == path) {
        return with_json(StatusCode::NOT_FOUND, &json!({ "error": "not found" }));
    }
    let metadata = json!({
        "resource": gate.site.resource,
        "authorization_servers": [gate.app().settings.auth_issuer],
        "scopes_supported": gate.scopes,
        "bearer_methods_supported": ["header"],
    });
    with_json(StatusCode::OK, &metadata)
}

/// Goes through the checks in their order.
async fn serve_mcp(
    State(gate): State<Arc<Gate>>,
    Extension(Peer(peer)): Extension<Peer>,
    Extension(CorrelationId(id)): Extension<CorrelationId>,
    request: Request,
) -> Response {
    let mut caller = Caller::anonymous(id);
    let (head, body) = request.into_parts();
    let has_token = head.headers.contains_key("authorization");
    let message = match gate.read(&head.headers, body, peer, &mut caller).await {
        Ok(message) => message,
        Err(refusal) => return gate.refuse(&caller, refusal, has_token),
    };
    if let Err(refusal) = gate.authorize(&caller, &message) {
        return gate.refuse(&caller, refusal, has_token);
    }
    if let Some(error) = disagreement(&head.headers, &message).or_else(|| message.unsupported()) {
        let id = message.id.unwrap_or_default();
        return with_text(StatusCode::BAD_REQUEST, reply::encode(&id, &Err(error)));
    }
    let slot = match gate.admit(&caller, &message).await {
        Ok(slot) => slot,
        Err(refusal) => return gate.refuse(&caller, refusal, has_token),
    };
    let Some(id) = message.id.clone() else { return StatusCode::ACCEPTED.into_response() };
    let trace = message.trace().or_else(|| {
        let parent = header(&head.headers, "traceparent").unwrap_or_default();
        Trace::read(parent, header(&head.headers, "tracestate").unwrap_or_default())
    });
    let slot = slot.map(Arc::new);
    gate.respond(message, id, Exchange { caller: Arc::new(caller), slot, progress: None, trace }).await
}

impl Gate {
    /// Needs the port that was bound.
    pub fn new(app: Arc<App>) -> Self {
        Self {
            site: app.site(),
            verifier: app.verifier(),
            scopes: app.offered.scopes(),
            protocol: Protocol::new(app),
        }
    }

    pub fn app(&self) -> &App {
        self.protocol.app()
    }

    /// Finds out who calls, and reads what is asked for.
    async fn read(
        &self,
        headers: &HeaderMap,
        body: Body,
        peer: IpAddr,
        caller: &mut Caller,
    ) -> Result<Message, Refusal> {
        if let Err(fault) = self.check_headers(headers, peer, caller).await {
            body::pass_over(body).await;
            return Err(fault.into());
        }
        match body::read(body, self.app().settings.max_body_bytes).await {
            Ok(bytes) => Message::parse(&bytes).map_err(Refusal::Malformed),
            Err(Unread::TooLarge) => Err(Fault::from(fault::TOO_LARGE).into()),
            Err(Unread::Ended) => {
                Err(Refusal::Malformed(Malformed::parse_error("body ended before its time")))
            }
        }
    }

    /// Refuses what need not be read, and says in `caller` who it is.
    async fn check_headers(
        &self,
        headers: &HeaderMap,
        peer: IpAddr,
        caller: &mut Caller,
    ) -> Result<(), Fault> {
        caller.key = self.site.client(peer, lines(headers, "x-forwarded-for"));
        if let Some(verifier) = &self.verifier {
            let identity = verifier.verify(header(headers, "authorization").unwrap_or_default()).await?;
            caller.key.clone_from(&identity.subject);
            (caller.subject, caller.scopes) = (identity.subject, identity.scopes);
        } else {
            caller.scopes.clone_from(&self.scopes);
        }
        if !accepts(lines(headers, "accept")) {
            return Err(fault::NOT_ACCEPTABLE.into());
        }
        let kind = header(headers, "content-type").unwrap_or_default().split(';').next().unwrap_or_default();
        if !kind.trim().eq_ignore_ascii_case("application/json") {
            return Err(fault::UNSUPPORTED_MEDIA_TYPE.into());
        }
        let length = header(headers, "content-length").and_then(|length| length.parse::<usize>().ok());
        if length.is_some_and(|length| length > self.app().settings.max_body_bytes) {
            return Err(fault::TOO_LARGE.into());
        }
        Ok(())
    }

    /// Decides on the parsed body, never on a header.
    fn authorize(&self, caller: &Caller, message: &Message) -> Result<(), Refusal> {
        let offered = &self.app().offered;
        let (about, tool) = match message.method.as_str() {
            "resources/read" => (offered.resource(message.text("uri")).map(|(found, _)| &found.about), None),
            "prompts/get" => (offered.prompt(message.text("name")).map(|found| &found.about), None),
            "tools/call" => {
                let about = offered.tool(message.text("name")).map(|found| &found.about);
                (about, about.map(|about| about.name))
            }
            _ => (None, None),
        };
        match about.map(|about| about.scope).filter(|scope| !caller.has_scope(scope)) {
            None => Ok(()),
            Some(scope) => {
                let fault = Fault::from(fault::INSUFFICIENT_SCOPE).saying(format!("scope required: {scope}"));
                let fault = fault.with("required_scopes", vec![scope]);
                Err(Refusal::Fault { fault, id: message.id.clone().unwrap_or_default(), tool })
            }
        }
    }

    /// Finds a place for a tool call.
    async fn admit(&self, caller: &Caller, message: &Message) -> Result<Option<Slot>, Refusal> {
        let app = self.app();
        let Some(id) = message.id.as_ref().filter(|_| message.method == "tools/call") else {
            return Ok(None);
        };
        let refused = |fault, tool| Refusal::Fault { fault, id: id.clone(), tool };
        match app.offered.tool(message.text("name")) {
            Some(tool) => match app.calls.admit(caller, tool.timeout).await {
                Ok(slot) => Ok(Some(slot)),
                Err(fault) => Err(refused(fault, Some(tool.about.name))),
            },
            None => app.lifecycle.admit().map(|()| None).map_err(|fault| refused(fault, None)),
        }
    }

    /// One JSON document, or a stream as soon as the client is told of progress.
    async fn respond(self: &Arc<Self>, message: Message, id: Value, mut exchange: Exchange) -> Response {
        let is_unknown = message.is_modern() && !message.is_known();
        let status = if is_unknown { StatusCode::NOT_FOUND } else { StatusCode::OK };
        let in_flight = exchange.slot.as_ref().map(|_| self.app().lifecycle.enter());
        let Some(token) = message.progress_token() else {
            let answer = self.protocol.answer(message, exchange).await;
            return with_text(status, reply::encode(&id, &answer));
        };
        let (tell, mut told) = mpsc::unbounded_channel();
        exchange.progress = Some(Arc::new(move |share| {
            let _ = tell.send(reply::progress(&token, share)); // whoever is gone needs no news
        }));
        let gate = Arc::clone(self);
        let mut work: BoxFuture<'static, String> = Box::pin(async move {
            let _in_flight = in_flight;
            let answer = reply::encode(&id, &gate.protocol.answer(message, exchange).await);
            yield_now().await; // what was told last goes out first
            answer
        });
        let first = tokio::select! {
            biased;
            Some(news) = told.recv() => news,
            answer = &mut work => return with_text(status, answer),
        };
        let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-cache")];
        (headers, events(first, told, work)).into_response()
    }

    /// Answers, counts and records a refusal.
    fn refuse(&self, caller: &Caller, refusal: Refusal, has_token: bool) -> Response {
        let (fault, id, tool, code, title) = match refusal {
            Refusal::Malformed(wrong) => {
                let fault = Fault::from(fault::INVALID_REQUEST).saying(&wrong.reason);
                let title = wrong.title().to_owned();
                (fault, wrong.id, None, wrong.code, title)
            }
            Refusal::Fault { fault, id, tool } => {
                let (code, title) = (ErrorCode(fault.code().status.into()), fault.message().to_owned());
                (fault, id, tool, code, title)
            }
        };
        self.app().calls.refused(caller, &fault, tool);
        let error = ErrorData::new(code, title, Some(fault.payload(&caller.correlation_id)));
        let status = StatusCode::from_u16(fault.code().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = with_text(status, reply::encode(&id, &Err(error)));
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
    let event = |text: String| Ok::<_, Infallible>(format!("event: message\ndata: {text}\n\n"));
    Body::from_stream(stream::iter([first]).chain(rest).map(event))
}
