//! A connection to Redis: it knows whether Redis can be written to, and comes back by itself.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{Script, Value};

use super::store::unavailable;
use crate::chassis::fault::Fault;
use crate::chassis::observe::Metrics;
use crate::chassis::settings::Secret;

const TIMEOUT: Duration = Duration::from_secs(2);
const INTERVAL: Duration = Duration::from_secs(2);

pub struct Connection {
    url: Arc<Secret>,
    pub(super) prefix: String,
    metrics: Arc<Metrics>,
    client: Mutex<(String, Option<MultiplexedConnection>)>,
    healthy: AtomicBool,
}

impl Connection {
    /// Connects when it is watched. All keys begin with the server's name; the braces keep them in one slot of a
    /// cluster.
    #[must_use]
    pub fn new(url: Arc<Secret>, name: &str, metrics: Arc<Metrics>) -> Self {
        Self {
            url,
            prefix: format!("{{{name}}}:"),
            metrics,
            client: Mutex::default(),
            healthy: AtomicBool::new(false),
        }
    }

    /// Whether the last command was answered.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.healthy.load(Ordering::Relaxed)
    }

    /// Writes a key every two seconds, so that a Redis that only reads is known as such.
    pub async fn watch(&self, reached: impl Fn()) {
        loop {
            let key = format!("{}health", self.prefix);
            let mut command = redis::cmd("SET");
            command.arg(key).arg(1).arg("EX").arg(60);
            let tried =
                self.tried(|mut client| async move { command.query_async::<Value>(&mut client).await });
            if tried.await.is_ok() {
                reached();
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }

    /// Runs a script on a key, within two seconds.
    pub(super) async fn run(&self, script: &Script, key: &str, arguments: &[String]) -> Result<Value, Fault> {
        let mut call = script.key(key);
        for argument in arguments {
            call.arg(argument.as_str());
        }
        self.tried(|mut client| async move { call.invoke_async::<Value>(&mut client).await }).await
    }

    async fn tried<T, Work>(&self, command: impl FnOnce(MultiplexedConnection) -> Work) -> Result<T, Fault>
    where
        Work: Future<Output = redis::RedisResult<T>>,
    {
        let started = Instant::now();
        let answered = tokio::time::timeout(TIMEOUT, async { command(self.client().await?).await });
        let (outcome, result) = match answered.await {
            Ok(Ok(value)) => ("success", Ok(value)),
            Ok(Err(error)) => ("error", Err(unavailable(error))),
            Err(error) => ("timeout", Err(unavailable(error))),
        };
        self.metrics.dependency_tried("state", outcome, started.elapsed());
        self.note(result.as_ref().err());
        result
    }

    /// The present connection, made anew when Redis went away or the URL was rotated.
    async fn client(&self) -> redis::RedisResult<MultiplexedConnection> {
        let url = self.url.read();
        {
            let known = self.client.lock().unwrap_or_else(PoisonError::into_inner);
            if let (true, Some(client)) = (known.0 == url, &known.1) {
                return Ok(client.clone());
            }
        }
        let client = redis::Client::open(url.as_str())?.get_multiplexed_async_connection().await?;
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = (url, Some(client.clone()));
        Ok(client)
    }

    fn note(&self, failure: Option<&Fault>) {
        if failure.is_some() {
            self.client.lock().unwrap_or_else(PoisonError::into_inner).1 = None;
        }
        let was_healthy = self.healthy.swap(failure.is_none(), Ordering::Relaxed);
        match failure {
            None if !was_healthy => tracing::info!("state.available"),
            Some(failure) if was_healthy => {
                let (error_code, exception) = (failure.code().name, failure.exception());
                tracing::warn!(error_code, exception, "state.unavailable");
            }
            _ => {}
        }
    }
}
