//! The rate limit: this process's own, or one that replicas share. While Redis is away, each falls back to its own.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use redis::Script;

use super::connection::Connection;
use super::redis::text_of;
use super::store::digest;
use crate::chassis::limit::Buckets;

static TAKE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("take.lua")));

pub struct Rate {
    per_minute: u32,
    burst: u32,
    own: Buckets,
    shared: Option<Arc<Connection>>,
}

impl Rate {
    #[must_use]
    pub fn new(per_minute: u32, burst: u32, shared: Option<Arc<Connection>>) -> Self {
        Self { per_minute, burst, own: Buckets::new(per_minute, burst), shared }
    }

    /// Takes one token and returns zero, or takes none and returns how long until there is one.
    pub async fn take(&self, caller: &str) -> Duration {
        let Some(connection) = self.shared.as_ref().filter(|connection| connection.is_healthy()) else {
            return self.own.take(caller);
        };
        let bucket = format!("{}rate:{}", connection.prefix, digest(caller));
        let arguments = [(f64::from(self.per_minute) / 60.0).to_string(), self.burst.to_string()];
        let answer = connection.run(&TAKE, &bucket, &arguments).await;
        let seconds = answer.ok().and_then(|wait| text_of(&wait).parse().ok());
        seconds
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .unwrap_or_else(|| self.own.take(caller))
    }
}
