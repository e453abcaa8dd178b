//! A client of another server.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use url::Url;

use super::guard::{Guard, Limits, Trial};
use super::health::Health;
use crate::chassis::context::Context;
use crate::chassis::fault::Fault;
use crate::chassis::observe::{Audit, Metrics, Tracer};
use crate::chassis::settings::Proxies;

/// Statuses that may be different soon.
const PASSING: [u16; 6] = [408, 429, 500, 502, 503, 504];

/// Follows no redirect, since neither key nor request may leave for another host, and keeps no cookies.
///
/// # Panics
/// Panics where the system has no certificates.
#[must_use]
pub fn http_client(proxies: Arc<Proxies>, max_idle: usize) -> reqwest::Client {
    let proxy = reqwest::Proxy::custom(move |url| proxies.of(url));
    let client = reqwest::Client::builder()
        .no_proxy()
        .proxy(proxy)
        .redirect(Policy::none())
        .pool_max_idle_per_host(max_idle)
        .pool_idle_timeout(Duration::from_secs(30));
    client.build().expect("the system's certificates")
}

/// Another server that tools use, behind its guard.
pub struct Service {
    guard: Arc<Guard>,
    client: reqwest::Client,
    tracer: Tracer,
    max_bytes: usize,
}

/// A final one.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Bytes,
}

impl Service {
    /// What every failure of the service looks like from outside.
    #[must_use]
    pub fn unavailable(&self, cause: impl std::fmt::Display) -> Fault {
        self.guard.unavailable(cause)
    }

    /// Asks for a URL until there is a final answer; operation names the span, without anything that a caller sent.
    ///
    /// # Errors
    /// `dependency_unavailable`.
    pub async fn get(
        &self,
        context: &Context,
        operation: &str,
        target: &Url,
        headers: &HeaderMap,
    ) -> Result<Answer, Fault> {
        let deadline = context.slot.as_ref().map(|slot| slot.deadline);
        self.guard.run(deadline, || self.try_get(context, operation, target, headers)).await
    }

    async fn try_get(
        &self,
        context: &Context,
        operation: &str,
        target: &Url,
        headers: &HeaderMap,
    ) -> Result<Answer, Trial> {
        let span = self.tracer.ask(operation, &context.trace);
        span.note("http.request.method", "GET");
        // Of the caller's request nothing but the trace context goes on.
        let request =
            self.client.get(target.clone()).headers(headers.clone()).headers(span.trace().headers());
        let response = request.send().await.map_err(|error| {
            span.fail("no_connection");
            Trial::Passing(error.to_string(), Duration::ZERO)
        })?;
        let status = response.status().as_u16();
        span.note("http.response.status_code", i64::from(status));
        if PASSING.contains(&status) {
            span.fail(&status.to_string());
            return Err(Trial::Passing(format!("status {status}"), retry_after(response.headers())));
        }
        let body = read_all(response, self.max_bytes).await;
        match body {
            Ok(Some(body)) => Ok(Answer { status, body }),
            Ok(None) => Err(Trial::Final(self.unavailable("the answer is too large"))),
            Err(error) => Err(Trial::Passing(error.to_string(), Duration::ZERO)),
        }
    }
}

/// Reads at most so many bytes; none when there are more.
///
/// # Errors
/// The connection's.
pub async fn read_all(mut response: reqwest::Response, max_bytes: usize) -> reqwest::Result<Option<Bytes>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > max_bytes {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body.into()))
}

/// A number of seconds or a date.
fn retry_after(headers: &HeaderMap) -> Duration {
    let Some(value) = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()) else {
        return Duration::ZERO;
    };
    if let Ok(seconds) = value.parse::<u32>() {
        return Duration::from_secs(seconds.into());
    }
    let date = httpdate::parse_http_date(value).ok();
    date.and_then(|date| date.duration_since(SystemTime::now()).ok()).unwrap_or_default()
}

/// Opens the services behind the server, and tells of their health.
pub struct Services {
    pub health: Arc<Health>,
    pub attempts: usize,
    pub breaker_failures: u32,
    pub breaker_reset: Duration,
    pub metrics: Arc<Metrics>,
    pub tracer: Tracer,
    pub proxies: Arc<Proxies>,
    pub max_bytes: usize,
    pub audit: Audit,
}

impl Services {
    /// Opens one. Its name is that of its health check and labels its metrics; try timeout and concurrency are its own.
    #[must_use]
    pub fn open(&self, name: &'static str, try_timeout: Duration, max_concurrency: usize) -> Service {
        let limits = Limits {
            try_timeout,
            max_concurrency,
            attempts: self.attempts,
            breaker_failures: self.breaker_failures,
            breaker_reset: self.breaker_reset,
        };
        let guard = Arc::new(Guard::new(name, limits, Arc::clone(&self.metrics)));
        let checked = Arc::clone(&guard);
        self.health.register(name, move || checked.is_healthy());
        let client = http_client(Arc::clone(&self.proxies), max_concurrency);
        Service { guard, client, tracer: self.tracer.clone(), max_bytes: self.max_bytes }
    }
}
