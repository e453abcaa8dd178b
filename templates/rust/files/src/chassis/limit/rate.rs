//! Token buckets.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::{Quota, RateLimiter};

/// How many callers are remembered; those whose buckets have been full the longest are forgotten first.
const MAX_CALLERS: usize = 10_000;

/// The buckets of this process.
pub struct Buckets<C: Clock = DefaultClock>(RateLimiter<String, Callers, C, NoOpMiddleware<C::Instant>>);

impl Buckets {
    /// Refills so many tokens a minute up to a burst.
    #[must_use]
    pub fn new(per_minute: u32, burst: u32) -> Self {
        Self::by(DefaultClock::default(), per_minute, burst)
    }
}

impl<C: Clock> Buckets<C> {
    fn by(clock: C, per_minute: u32, burst: u32) -> Self {
        let quota = Quota::per_minute(at_least_one(per_minute)).allow_burst(at_least_one(burst));
        Self(RateLimiter::new(quota, Callers::default(), clock))
    }

    /// Takes one token and returns zero, or takes none and returns how long until there is one.
    pub fn take(&self, caller: &str) -> Duration {
        let taken = self.0.check_key(&caller.to_owned());
        taken.map_or_else(|early| early.wait_time_from(self.0.clock().now()), |()| Duration::ZERO)
    }
}

fn at_least_one(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}

/// When each caller's bucket is full again.
#[derive(Default)]
struct Callers(Mutex<HashMap<String, Nanos>>);

impl StateStore for Callers {
    type Key = String;

    fn measure_and_replace<T, F, E>(&self, caller: &String, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut callers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if callers.len() >= MAX_CALLERS && !callers.contains_key(caller) {
            let mut full: Vec<Nanos> = callers.values().copied().collect();
            let (_, bound, _) = full.select_nth_unstable(MAX_CALLERS / 10);
            let bound = *bound;
            callers.retain(|_, full| *full > bound);
        }
        let (taken, full) = measure(callers.get(caller).copied())?;
        callers.insert(caller.clone(), full);
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    #[test]
    fn tokens_come_back() {
        let clock = FakeRelativeClock::default();
        let buckets = Buckets::by(clock.clone(), 60, 2);
        assert_eq!((buckets.take("a"), buckets.take("a")), (Duration::ZERO, Duration::ZERO));
        assert_eq!(buckets.take("a"), Duration::from_secs(1));
        assert_eq!(buckets.take("b"), Duration::ZERO);
        clock.advance(Duration::from_secs(1));
        assert_eq!(buckets.take("a"), Duration::ZERO);
        assert!(buckets.take("a") > Duration::ZERO);
    }

    #[test]
    fn memory_is_bounded() {
        let buckets = Buckets::new(1, 1);
        for caller in 0..=MAX_CALLERS {
            buckets.take(&caller.to_string());
        }
        assert!(buckets.0.into_state_store().0.into_inner().unwrap().len() <= MAX_CALLERS);
    }
}
