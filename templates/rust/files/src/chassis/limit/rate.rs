//! Token buckets.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How many callers are remembered; the longest unseen are forgotten first.
const MAX_BUCKETS: usize = 10_000;

/// The buckets of this process.
pub struct Buckets {
    per_second: f64,
    burst: f64,
    buckets: Mutex<HashMap<String, (f64, Instant)>>,
}

impl Buckets {
    /// Refills so many tokens a minute up to a burst.
    #[must_use]
    pub fn new(per_minute: u32, burst: u32) -> Self {
        Self { per_second: f64::from(per_minute) / 60.0, burst: f64::from(burst), buckets: Mutex::default() }
    }

    /// Takes one token and returns zero, or takes none and returns how long until there is one.
    pub fn take(&self, caller: &str) -> Duration {
        let now = Instant::now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_BUCKETS && !buckets.contains_key(caller) {
            let mut seen: Vec<Instant> = buckets.values().map(|(_, seen)| *seen).collect();
            let (_, bound, _) = seen.select_nth_unstable(MAX_BUCKETS / 10);
            let bound = *bound;
            buckets.retain(|_, (_, seen)| *seen > bound);
        }
        let bucket = buckets.entry(caller.to_owned()).or_insert((self.burst, now));
        let tokens =
            (bucket.0 + now.duration_since(bucket.1).as_secs_f64() * self.per_second).min(self.burst);
        let missing = 1.0 - tokens;
        *bucket = (if missing > 0.0 { tokens } else { tokens - 1.0 }, now);
        Duration::from_secs_f64(missing.max(0.0) / self.per_second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn tokens_come_back() {
        let buckets = Buckets::new(60, 2);
        assert_eq!((buckets.take("a"), buckets.take("a")), (Duration::ZERO, Duration::ZERO));
        assert_eq!(buckets.take("a"), Duration::from_secs(1));
        assert_eq!(buckets.take("b"), Duration::ZERO);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(buckets.take("a"), Duration::ZERO);
        assert!(buckets.take("a") > Duration::ZERO);
    }

    #[tokio::test]
    async fn memory_is_bounded() {
        let buckets = Buckets::new(1, 1);
        for caller in 0..=MAX_BUCKETS {
            buckets.take(&caller.to_string());
        }
        assert!(buckets.buckets.lock().unwrap().len() <= MAX_BUCKETS);
    }
}
