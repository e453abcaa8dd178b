//! The one way of every call, whatever the transport: admit, run within limits, log, count, audit.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use tokio::time::Instant as Deadline;
use tracing::Instrument as _;

use crate::chassis::caller::Caller;
use crate::chassis::context::{Context, Progress};
use crate::chassis::declare::{About, Tool};
use crate::chassis::fault::{self, Fault};
use crate::chassis::lifecycle::Lifecycle;
use crate::chassis::limit::{Bulkhead, Places, Slot};
use crate::chassis::observe::{Audit, Entry, Metrics, Trace, Tracer, guarded};
use crate::chassis::state::Rate;
use crate::chassis::text;

/// What holds every tool call.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub timeout: Duration,
    pub max_concurrency: usize,
    pub max_queue: usize,
    pub max_result_bytes: usize,
}

/// Runs tools, resources and prompts.
pub struct Calls {
    limits: Limits,
    metrics: Arc<Metrics>,
    tracer: Tracer,
    audit: Audit,
    lifecycle: Arc<Lifecycle>,
    rate: Option<Rate>,
    places: Arc<Places>,
}

/// What the protocol knows about a tool call.
#[derive(Default)]
pub struct Request {
    pub arguments: Map<String, Value>,
    pub trace: Option<Trace>,
    /// Tells the client; none when it did not ask.
    pub progress: Option<Progress>,
}

/// A tool's output, and the same as JSON.
pub struct Answer {
    pub value: Value,
    pub text: String,
}

impl Calls {
    #[must_use]
    pub fn new(
        limits: Limits,
        metrics: Arc<Metrics>,
        tracer: Tracer,
        audit: Audit,
        lifecycle: Arc<Lifecycle>,
        rate: Option<Rate>,
    ) -> Self {
        let queued = metrics.queued.clone();
        let bulkhead = Bulkhead::new(limits.max_concurrency, limits.max_queue, move |waiting| {
            queued.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        });
        let places = Places::new(bulkhead, limits.max_concurrency, metrics.in_flight.clone());
        Self { limits, metrics, tracer, audit, lifecycle, rate, places }
    }

    /// Reserves a place for a tool call; waiting for it counts towards the tool's timeout.
    ///
    /// # Errors
    /// `shutting_down`, `rate_limited` and `overloaded`.
    pub async fn admit(&self, caller: &Caller, timeout: Option<Duration>) -> Result<Slot, Fault> {
        self.lifecycle.admit()?;
        if let Some(rate) = &self.rate {
            let wait = rate.take(&caller.key).await;
            if !wait.is_zero() {
                return Err(Fault::from(fault::RATE_LIMITED).retry_after(wait));
            }
        }
        let deadline = Deadline::now() + timeout.unwrap_or(self.limits.timeout);
        let full = |_| Fault::from(fault::OVERLOADED).retry_after(Duration::from_secs(1));
        self.places.enter(&caller.key, deadline).await.map_err(full)
    }

    /// Records that a request was refused before it ran; the name is that of a tool that exists.
    pub fn refused(&self, caller: &Caller, refusal: &Fault, name: Option<&str>) {
        let code = refusal.code().name;
        self.metrics.refused(code);
        let scopes = refusal.detail("required_scopes").and_then(Value::as_array);
        let scopes: Vec<_> = scopes.into_iter().flatten().filter_map(Value::as_str).collect();
        let entry = Entry { name, outcome: code, scopes: &scopes, arguments: None };
        caller.span().in_scope(|| self.audit.record(caller, "denied", entry));
    }

    /// Counts a call of a tool that does not exist; its name stays out of labels and logs.
    pub fn unknown_tool(&self) {
        self.metrics.unknown_tool();
    }

    /// Runs a tool in its slot; a caller that goes away meanwhile is recorded, too.
    ///
    /// # Errors
    /// What the client is told.
    pub async fn run(
        &self,
        caller: Arc<Caller>,
        tool: &Tool,
        request: Request,
        slot: Arc<Slot>,
    ) -> Result<Answer, Fault> {
        let span = caller.span();
        self.follow(caller, tool, request, slot).instrument(span).await
    }

    async fn follow(
        &self,
        caller: Arc<Caller>,
        tool: &Tool,
        request: Request,
        slot: Arc<Slot>,
    ) -> Result<Answer, Fault> {
        self.note_use(&tool.about);
        let mut arguments = Value::Object(request.arguments);
        arguments.sort_all_objects(); // equal ones have equal digests
        let mut report = Report {
            calls: self,
            caller: Arc::clone(&caller),
            tool,
            arguments: arguments.to_string(),
            started: Instant::now(),
            is_done: false,
        };
        let span = self.tracer.serve(format!("tools/call {}", tool.about.name), request.trace);
        span.note("mcp.method.name", "tools/call");
        span.note("gen_ai.tool.name", tool.about.name);
        let deadline = slot.deadline;
        let context = Context { caller, trace: span.trace(), progress: request.progress, slot: Some(slot) };
        let Value::Object(arguments) = arguments else { unreachable!("arguments are an object") };
        let work = async {
            // A call whose time ran out in the queue is not begun.
            if Deadline::now() >= deadline {
                Err(fault::TIMEOUT.into())
            } else {
                let value = tool.run(context, arguments).await?;
                Ok(Answer { text: value.to_string(), value })
            }
        };
        let result = match tokio::time::timeout_at(deadline, guarded(work)).await {
            Err(_) => Err(fault::TIMEOUT.into()),
            Ok(Ok(answer)) if answer.text.len() > self.limits.max_result_bytes => {
                Err(fault::RESULT_TOO_LARGE.into())
            }
            Ok(result) => result,
        };
        if let Err(failure) = &result {
            span.fail(failure.code().name);
        }
        report.done(&result);
        result
    }

    /// Reads a resource or a prompt within the time limit of a tool, and audits it as `audit.EVENT`.
    ///
    /// # Errors
    /// Those of what is read, and `timeout`.
    pub async fn read<T>(
        &self,
        caller: &Caller,
        event: &str,
        about: &About,
        arguments: Option<&str>,
        read: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        let followed = async {
            self.note_use(about);
            let within = tokio::time::timeout(self.limits.timeout, guarded(read)).await;
            let result = within.unwrap_or_else(|_| Err(fault::TIMEOUT.into()));
            let outcome =
                result.as_ref().map_or_else(|failure| failure.code().category.as_str(), |_| "success");
            let scopes = scopes_of(about);
            self.audit.record(caller, event, Entry { name: Some(about.name), outcome, scopes, arguments });
            result
        };
        followed.instrument(caller.span()).await
    }

    fn note_use(&self, about: &About) {
        if about.deprecated.is_some() {
            self.metrics.deprecated_used(about.name);
            tracing::warn!(contract = about.name, "contract.deprecated_used");
        }
    }
}

fn scopes_of(about: &About) -> &[&'static str] {
    if about.scope.is_empty() { &[] } else { std::slice::from_ref(&about.scope) }
}

/// What is told of a call when it ends, or when nobody waits for it any more.
struct Report<'a> {
    calls: &'a Calls,
    caller: Arc<Caller>,
    tool: &'a Tool,
    arguments: String,
    started: Instant,
    is_done: bool,
}

impl Report<'_> {
    fn done(&mut self, result: &Result<Answer, Fault>) {
        self.is_done = true;
        match result {
            Ok(answer) => self.tell("success", None, Some(text::length(&answer.text))),
            Err(failure) => {
                if failure.code() == fault::INTERNAL {
                    let (tool_name, error_code) = (self.tool.about.name, failure.code().name);
                    tracing::error!(tool_name, error_code, exception = failure.exception(), "tool.crashed");
                }
                self.tell(failure.code().category.as_str(), Some(failure.code().name), None);
            }
        }
    }

    fn tell(&self, outcome: &str, code: Option<&str>, output_length: Option<usize>) {
        let (calls, about, took) = (self.calls, &self.tool.about, self.started.elapsed());
        calls.metrics.tool_called(about.name, outcome, took);
        let (tool_name, duration_ms) = (about.name, took.as_secs_f64() * 1000.0);
        let (input_length, error_category) = (text::length(&self.arguments), code.map(|_| outcome));
        if code.is_none() {
            tracing::info!(
                tool_name,
                duration_ms,
                success = true,
                input_length,
                output_length,
                error_category,
                error_code = code,
                "tool.completed"
            );
        } else {
            tracing::warn!(
                tool_name,
                duration_ms,
                success = false,
                input_length,
                error_category,
                error_code = code,
                "tool.failed"
            );
        }
        let entry = Entry {
            name: Some(about.name),
            outcome,
            scopes: scopes_of(about),
            arguments: Some(&self.arguments),
        };
        calls.audit.record(&self.caller, "tool_called", entry);
    }
}

impl Drop for Report<'_> {
    fn drop(&mut self) {
        if !self.is_done {
            self.tell("client_error", Some("cancelled"), None);
        }
    }
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};
    use serde_json::json;

    use super::*;
    use crate::chassis::declare::Declaration;
    use crate::chassis::observe::Kept;

    #[derive(Deserialize, Serialize, JsonSchema)]
    struct Pause {
        seconds: u64,
        text: String,
    }

    async fn sleep((): (), _: Context, pause: Pause) -> Result<Pause, Fault> {
        tokio::time::sleep(Duration::from_secs(pause.seconds)).await;
        Ok(pause)
    }

    fn calls() -> Calls {
        let limits = Limits {
            timeout: Duration::from_secs(5),
            max_concurrency: 1,
            max_queue: 1,
            max_result_bytes: 100,
        };
        let (metrics, grace) = (Arc::new(Metrics::new("1")), Duration::ZERO);
        let lifecycle = Lifecycle::new(grace, grace);
        Calls::new(limits, metrics, Tracer::default(), Audit::default(), lifecycle, None)
    }

    async fn call(calls: &Calls, arguments: Value) -> Result<Answer, Fault> {
        let about = About { name: "sleep", scope: "sleep:read", ..About::NEW };
        let tool = Declaration { about, ..Declaration::NEW }.does(&(), sleep);
        let caller = Caller { correlation_id: "id".into(), subject: "alice".into(), ..Caller::default() };
        let slot = Arc::new(calls.admit(&caller, tool.timeout).await?);
        let Value::Object(arguments) = arguments else { panic!("no object") };
        calls.run(Arc::new(caller), &tool, Request { arguments, ..Request::default() }, slot).await
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_told_of_calls() {
        let (kept, _guard) = Kept::lines("json", false);
        let calls = calls();
        let answer = call(&calls, json!({ "seconds": 1, "text": "canary" })).await.unwrap();
        assert_eq!(answer.text, r#"{"seconds":1,"text":"canary"}"#);
        call(&calls, json!({ "text": "canary", "seconds": 1 })).await.unwrap();
        let late = call(&calls, json!({ "seconds": 6, "text": "canary" })).await.err().unwrap();
        let long = call(&calls, json!({ "seconds": 0, "text": "x".repeat(100) })).await.err().unwrap();
        assert_eq!((late.code(), long.code()), (fault::TIMEOUT, fault::RESULT_TOO_LARGE));
        let given_up =
            tokio::time::timeout(Duration::from_secs(1), call(&calls, json!({ "seconds": 2, "text": "" })));
        assert!(given_up.await.is_err());

        let failed: Vec<_> = kept.of("tool.failed").iter().map(|line| line["error_code"].clone()).collect();
        assert_eq!(failed, ["timeout", "result_too_large", "cancelled"]);
        let completed = &kept.of("tool.completed")[0];
        assert_eq!((&completed["input_length"], &completed["output_length"]), (&json!(29), &json!(29)));
        let audited = kept.of("audit.tool_called");
        assert_eq!(
            (&audited[0]["scopes"], &audited[0]["subject"]),
            (&json!(["sleep:read"]), &json!("alice"))
        );
        let digests: Vec<_> = audited.iter().map(|line| &line["arguments_digest"]).collect();
        assert!(digests[0] == digests[1] && digests[1] != digests[2], "equal arguments have equal digests");
        assert!(kept.text().lines().all(|line| line.contains(r#""correlation_id":"id""#)), "{}", kept.text());
        assert!(!kept.text().contains("canary"));
    }
}
