//! OpenTelemetry: W3C trace contexts, and spans for a collector that takes OTLP over http.

use std::time::Duration;

use async_trait::async_trait;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator as _};
use opentelemetry::trace::{SpanKind, Status, TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::runtime::Handle;
use url::Url;

/// How long the exporter may hold up the exit.
const GRACE: Duration = Duration::from_secs(1);
/// How long a collector may take for a batch.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where a call stands in its caller's trace; it is cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Trace(Context);

impl Trace {
    /// The context that a caller sent, if it is one.
    #[must_use]
    pub fn read(parent: &str, state: &str) -> Option<Self> {
        let context =
            TraceContextPropagator::new().extract_with_context(&Context::new(), &Sent { parent, state });
        context.has_active_span().then_some(Self(context))
    }

    /// What goes on to whoever is asked within the trace.
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        let mut headers = Headers(HeaderMap::new());
        TraceContextPropagator::new().inject_context(&self.0, &mut headers);
        headers.0
    }
}

struct Sent<'a> {
    parent: &'a str,
    state: &'a str,
}

impl Extractor for Sent<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            "traceparent" => Some(self.parent),
            "tracestate" => Some(self.state),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent", "tracestate"]
    }
}

struct Headers(HeaderMap);

impl Injector for Headers {
    fn set(&mut self, key: &str, value: String) {
        let name = HeaderName::from_bytes(key.as_bytes()).ok().filter(|_| !value.is_empty());
        if let Some((name, value)) = name.zip(HeaderValue::try_from(value).ok()) {
            self.0.insert(name, value);
        }
    }
}

/// Makes spans. Without a collector they are not recorded, but the caller's trace context is passed on.
#[derive(Clone, Default)]
pub struct Tracer(Option<Recorder>);

#[derive(Clone)]
struct Recorder {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

impl Tracer {
    /// Sends spans to the collector below the URL; the standard's `OTEL_*` variables say how.
    #[must_use]
    pub fn new(endpoint: &Url, client: reqwest::Client, name: &str, version: &'static str) -> Self {
        let exporter = match exporter(endpoint, client) {
            Ok(exporter) => exporter,
            Err(error) => {
                tracing::error!(exception = %error, "tracing.unavailable");
                return Self::default();
            }
        };
        let resource = Resource::builder().with_service_name(name.to_owned());
        let resource = resource.with_attribute(KeyValue::new("service.version", version)).build();
        let provider =
            SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
        Self(Some(Recorder { tracer: provider.tracer(env!("CARGO_PKG_NAME")), provider }))
    }

    /// Begins the span of a call.
    #[must_use]
    pub fn serve(&self, name: String, parent: Option<Trace>) -> Span {
        self.begin(name, &parent.unwrap_or_default(), SpanKind::Server)
    }

    /// Begins the span of an outgoing try.
    #[must_use]
    pub fn ask(&self, name: &str, parent: &Trace) -> Span {
        self.begin(name.to_owned(), parent, SpanKind::Client)
    }

    fn begin(&self, name: String, parent: &Trace, kind: SpanKind) -> Span {
        let Some(Recorder { tracer, .. }) = &self.0 else { return Span(parent.clone()) };
        let span = tracer.span_builder(name).with_kind(kind).start_with_context(tracer, &parent.0);
        Span(Trace(parent.0.with_span(span)))
    }

    /// Sends what is left, for a second at most.
    pub async fn close(&self) {
        if let Some(Recorder { provider, .. }) = self.0.clone() {
            // What the collector does not take is lost.
            let _ = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(GRACE)).await;
        }
    }
}

fn exporter(endpoint: &Url, client: reqwest::Client) -> Result<SpanExporter, ExporterBuildError> {
    let endpoint = format!("{}/v1/traces", endpoint.as_str().trim_end_matches('/'));
    let sender = Sender { client, runtime: Handle::current() };
    SpanExporter::builder().with_http().with_http_client(sender).with_endpoint(endpoint).build()
}

/// Sends by the server's runtime what the exporter gives it on a thread of its own.
#[derive(Debug)]
struct Sender {
    client: reqwest::Client,
    runtime: Handle,
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sending = async move { tokio::time::timeout(PATIENCE, client.send_bytes(request)).await };
        self.runtime.spawn(sending).await??
    }
}

/// Work that is being recorded; it ends when this is dropped.
pub struct Span(Trace);

impl Span {
    /// What is passed on to whoever is asked within the span.
    #[must_use]
    pub fn trace(&self) -> Trace {
        self.0.clone()
    }

    pub fn note(&self, name: &'static str, value: impl Into<Value>) {
        self.0.0.span().set_attribute(KeyValue::new(name, value));
    }

    /// Marks the span with an error code.
    pub fn fail(&self, code: &str) {
        self.note("error.type", code.to_owned());
        self.0.0.span().set_status(Status::error(code.to_owned()));
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        self.0.0.span().end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn contexts() {
        let headers = Trace::read(PARENT, "x=y").unwrap().headers();
        assert_eq!(
            (headers["traceparent"].as_bytes(), headers["tracestate"].as_bytes()),
            (PARENT.as_bytes(), &b"x=y"[..])
        );
        for wrong in
            ["", "00-a", &PARENT.to_uppercase(), &PARENT.replace("b7ad6b7169203331", "0000000000000000")]
        {
            assert!(Trace::read(wrong, "").is_none(), "{wrong}");
        }
        let span = Tracer::default().serve("x".into(), Trace::read(PARENT, ""));
        let headers = span.trace().headers();
        assert_eq!((headers.len(), headers["traceparent"].as_bytes()), (1, PARENT.as_bytes()));
        assert!(Trace::default().headers().is_empty());
    }
}
