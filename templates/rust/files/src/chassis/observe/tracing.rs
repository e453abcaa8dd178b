//! W3C trace contexts, and spans for a collector that takes OTLP over http as JSON.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

/// How long the exporter may hold up the exit.
const GRACE: Duration = Duration::from_secs(1);
/// How many spans may wait; more are lost.
const MOST: usize = 2048;

/// Where a call stands in its caller's trace.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// `00-TRACE-SPAN-FLAGS`; empty without a trace.
    pub parent: String,
    pub state: String,
}

impl Trace {
    /// The context that a caller sent, if it is one.
    #[must_use]
    pub fn read(parent: &str, state: &str) -> Option<Self> {
        let parts: Vec<_> = parent.split('-').collect();
        let is_hex = |part: &str, length: usize| {
            part.len() == length
                && part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
                && part.bytes().any(|byte| byte != b'0')
        };
        let is_known = matches!(parts[..], ["00", trace, span, flags] if is_hex(trace, 32) && is_hex(span, 16) && flags.len() == 2);
        is_known.then(|| Self { parent: parent.to_owned(), state: state.to_owned() })
    }

    fn ids(&self) -> Option<(&str, &str)> {
        Some((self.parent.get(3..35)?, self.parent.get(36..52)?))
    }
}

/// Makes spans. Without a collector they are not recorded, but the caller's trace context is passed on.
#[derive(Clone)]
pub struct Tracer(Option<Arc<Exporter>>);

struct Exporter {
    client: reqwest::Client,
    target: String,
    resource: Value,
    waiting: Mutex<Vec<Value>>,
    sending: tokio::sync::Mutex<()>,
}

/// Work that is being recorded; it ends when this is dropped.
pub struct Span {
    exporter: Option<Arc<Exporter>>,
    trace: Trace,
    parent: String,
    name: String,
    kind: u8,
    attributes: Vec<Value>,
    error: Option<String>,
    started: SystemTime,
}

impl Tracer {
    /// Sends spans to the collector below the URL, every so often.
    #[must_use]
    pub fn new(
        endpoint: Option<&Url>,
        client: reqwest::Client,
        name: &str,
        version: &str,
        every: Duration,
    ) -> Self {
        let Some(endpoint) = endpoint else { return Self(None) };
        let exporter = Arc::new(Exporter {
            client,
            target: format!("{}/v1/traces", endpoint.as_str().trim_end_matches('/')),
            resource: json!({ "attributes": [attribute("service.name", name), attribute("service.version", version)] }),
            waiting: Mutex::default(),
            sending: tokio::sync::Mutex::default(),
        });
        let sender = Arc::downgrade(&exporter);
        tokio::spawn(async move {
            while let Some(exporter) = sender.upgrade() {
                exporter.send().await;
                drop(exporter);
                tokio::time::sleep(every).await;
            }
        });
        Self(Some(exporter))
    }

    /// Begins the span of a call.
    #[must_use]
    pub fn serve(&self, name: String, parent: Option<Trace>) -> Span {
        self.begin(name, parent.unwrap_or_default(), 2)
    }

    /// Begins the span of an outgoing try.
    #[must_use]
    pub fn ask(&self, name: &str, parent: &Trace) -> Span {
        self.begin(name.to_owned(), parent.clone(), 3)
    }

    fn begin(&self, name: String, trace: Trace, kind: u8) -> Span {
        let mut span = Span {
            exporter: self.0.clone(),
            parent: String::new(),
            trace,
            name,
            kind,
            attributes: Vec::new(),
            error: None,
            started: SystemTime::now(),
        };
        if self.0.is_some() {
            let own = Uuid::new_v4().simple().to_string();
            let new_trace = Uuid::new_v4().simple().to_string();
            let (id, parent) = span.trace.ids().unwrap_or((&new_trace, ""));
            let (id, parent) = (id.to_owned(), parent.to_owned());
            span.trace.parent = format!("00-{id}-{}-01", &own[..16]);
            span.parent = parent;
        }
        span
    }

    /// Sends what is left, for a second at most.
    pub async fn close(&self) {
        if let Some(exporter) = &self.0 {
            let _ = tokio::time::timeout(GRACE, exporter.send()).await; // what the collector does not take is lost
        }
    }
}

impl Exporter {
    async fn send(&self) {
        let _one_at_a_time = self.sending.lock().await;
        let spans = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        if spans.is_empty() {
            return;
        }
        let body = json!({ "resourceSpans": [{
            "resource": self.resource,
            "scopeSpans": [{ "scope": { "name": env!("CARGO_PKG_NAME") }, "spans": spans }],
        }] });
        let request = self.client.post(&self.target).header("content-type", "application/json");
        let _ = request.body(body.to_string()).timeout(Duration::from_secs(10)).send().await;
    }
}

impl Span {
    /// What is passed on to whoever is asked within the span.
    #[must_use]
    pub fn trace(&self) -> Trace {
        self.trace.clone()
    }

    pub fn note(&mut self, name: &str, value: &str) {
        self.attributes.push(attribute(name, value));
    }

    /// Marks the span with an error code.
    pub fn fail(&mut self, code: &str) {
        self.note("error.type", code);
        self.error = Some(code.to_owned());
    }
}

fn attribute(name: &str, value: &str) -> Value {
    json!({ "key": name, "value": { "stringValue": value } })
}

fn nanoseconds(time: SystemTime) -> String {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos().to_string()
}

impl Drop for Span {
    fn drop(&mut self) {
        let Some((exporter, (trace, own))) = self.exporter.as_ref().zip(self.trace.ids()) else { return };
        let span = json!({
            "traceId": trace, "spanId": own, "parentSpanId": self.parent, "name": self.name, "kind": self.kind,
            "startTimeUnixNano": nanoseconds(self.started), "endTimeUnixNano": nanoseconds(SystemTime::now()),
            "attributes": self.attributes, "traceState": self.trace.state,
            "status": { "code": if self.error.is_some() { 2 } else { 0 } },
        });
        let mut waiting = exporter.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < MOST {
            waiting.push(span);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts() {
        let good = format!("00-{}-{}-01", "a".repeat(32), "b".repeat(16));
        assert_eq!(Trace::read(&good, "x=y").unwrap().parent, good);
        for wrong in
            ["", "00-a-b-01", &good.to_uppercase(), &format!("00-{}-{}-01", "0".repeat(32), "b".repeat(16))]
        {
            assert!(Trace::read(wrong, "").is_none(), "{wrong}");
        }
        let span = Tracer(None).serve("x".into(), Trace::read(&good, ""));
        assert_eq!(span.trace().parent, good);
    }
}
