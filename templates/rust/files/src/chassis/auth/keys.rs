//! An issuer's published keys, loaded when they are needed.

use std::fs;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::Jwk;
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use crate::chassis::fault::{DEPENDENCY_UNAVAILABLE, Fault};
use crate::chassis::observe::Metrics;
use crate::chassis::resilience::read_all;

const LOAD_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_KEY_SET: usize = 1 << 20;
/// How often keys are loaded at most.
const REFETCH_AFTER: Duration = Duration::from_secs(30);
/// When they are loaded anew without a reason.
const FRESH_FOR: Duration = Duration::from_mins(10);
/// How long they count while they cannot be loaded.
const STALE_FOR: Duration = Duration::from_hours(1);

/// Where a key set is.
pub enum Source {
    File(String),
    Url(reqwest::Client, Url),
}

pub struct Keys {
    source: Source,
    metrics: Arc<Metrics>,
    loading: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    keys: Vec<Known>,
    loaded: Option<Instant>,
    tried: Option<Instant>,
    failed: bool,
}

#[derive(Clone)]
struct Known {
    id: Option<String>,
    algorithm: Option<String>,
    key: DecodingKey,
}

impl Keys {
    /// Loads nothing yet.
    #[must_use]
    pub fn new(source: Source, metrics: Arc<Metrics>) -> Self {
        Self { source, metrics, loading: tokio::sync::Mutex::default(), state: Mutex::default() }
    }

    /// Whether the last load succeeded, if there was one.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        !self.with(|state| state.failed)
    }

    fn with<T>(&self, read: impl FnOnce(&mut State) -> T) -> T {
        read(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The keys that may have signed a token; none when its key id is unknown to the issuer.
    ///
    /// # Errors
    /// `dependency_unavailable` without any key to go by.
    pub async fn matching(&self, id: Option<&str>, algorithm: &str) -> Result<Vec<DecodingKey>, Fault> {
        let find = |state: &mut State| {
            let age = state.loaded.map(|loaded| loaded.elapsed());
            let fits = |key: &&Known| {
                id.is_none_or(|id| key.id.as_deref() == Some(id))
                    && key.algorithm.as_deref().is_none_or(|its| its == algorithm)
            };
            let found: Vec<_> = state.keys.iter().filter(fits).map(|key| key.key.clone()).collect();
            (found, age)
        };
        let (mut found, mut age) = self.with(find);
        if found.is_empty() || age.is_none_or(|age| age > FRESH_FOR) {
            self.load().await;
            (found, age) = self.with(find);
        }
        let (failed, tried) = self.with(|state| (state.failed, state.tried));
        let is_stale = age.is_none_or(|age| age > STALE_FOR);
        if is_stale || found.is_empty() && failed {
            let rest = REFETCH_AFTER.saturating_sub(tried.map(|tried| tried.elapsed()).unwrap_or_default());
            let fault = Fault::from(DEPENDENCY_UNAVAILABLE).saying("the signing keys are unavailable");
            return Err(fault.retry_after(rest));
        }
        Ok(found)
    }

    /// Loads the keys unless that was tried a short while ago; whoever comes meanwhile waits for the same load.
    async fn load(&self) {
        let _one_at_a_time = self.loading.lock().await;
        if self.with(|state| state.tried.is_some_and(|tried| tried.elapsed() < REFETCH_AFTER)) {
            return;
        }
        let started = Instant::now();
        let (outcome, loaded) = match tokio::time::timeout(LOAD_TIMEOUT, self.source.read()).await {
            Ok(Ok(text)) => {
                parse(&text).map_or_else(|error| ("error", Err(error)), |keys| ("success", Ok(keys)))
            }
            Ok(Err(error)) => ("error", Err(error)),
            Err(error) => ("timeout", Err(error.to_string())),
        };
        self.metrics.dependency_tried("auth", outcome, started.elapsed());
        self.with(|state| {
            state.tried = Some(Instant::now());
            state.failed = loaded.is_err();
            match loaded {
                Ok(keys) => (state.keys, state.loaded) = (keys, Some(Instant::now())),
                Err(cause) => {
                    let error_code = DEPENDENCY_UNAVAILABLE.name;
                    tracing::warn!(error_code, exception = cause, "auth.keys_unavailable");
                }
            }
        });
    }
}

impl Source {
    async fn read(&self) -> Result<Vec<u8>, String> {
        match self {
            Self::File(path) => {
                let path = path.clone();
                let read = tokio::task::spawn_blocking(move || fs::read(path)).await;
                read.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
            }
            Self::Url(client, url) => {
                let request = client.get(url.clone()).header("accept", "application/json");
                let response = request.send().await.map_err(|error| error.to_string())?;
                if response.status().as_u16() != 200 {
                    return Err(format!("status {}", response.status().as_u16()));
                }
                let body = read_all(response, MAX_KEY_SET).await.map_err(|error| error.to_string())?;
                body.map(|body| body.to_vec()).ok_or_else(|| "the key set is too large".to_owned())
            }
        }
    }
}

/// Reads a key set, and leaves out the keys that are not for signatures or not known here.
fn parse(text: &[u8]) -> Result<Vec<Known>, String> {
    let set: Value = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let keys = set["keys"].as_array().ok_or("not a key set")?;
    let known =
        keys.iter().filter(|key| key["use"].as_str().is_none_or(|of| of == "sig") && key.get("d").is_none());
    let read = |key: &Value| {
        let jwk: Jwk = serde_json::from_value(key.clone()).ok()?;
        Some(Known {
            id: key["kid"].as_str().map(str::to_owned),
            algorithm: key["alg"].as_str().map(str::to_owned),
            key: DecodingKey::from_jwk(&jwk).ok()?,
        })
    };
    Ok(known.filter_map(read).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn keys_that_cannot_be_loaded() {
        let keys = Keys::new(Source::File("/nowhere".into()), Arc::new(Metrics::new("1")));
        assert!(keys.is_healthy());
        let refused = keys.matching(None, "RS256").await.unwrap_err();
        assert_eq!(refused.detail("retry_after_seconds"), Some(&json!(30)));
        tokio::time::advance(Duration::from_secs(20)).await;
        let refused = keys.matching(None, "RS256").await.unwrap_err();
        assert_eq!(refused.detail("retry_after_seconds"), Some(&json!(10)));
        assert!(!keys.is_healthy());
    }

    #[test]
    fn what_is_no_key_set() {
        assert!(parse(b"{").is_err() && parse(b"{}").is_err());
        assert!(parse(br#"{"keys": [{"kty": "odd"}]}"#).unwrap().is_empty());
    }
}
