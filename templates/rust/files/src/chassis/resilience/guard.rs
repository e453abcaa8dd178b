//! Surrounds every call to one service.

use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::breaker::Breaker;
use crate::chassis::fault::{DEPENDENCY_UNAVAILABLE, Fault};
use crate::chassis::observe::{BreakerState, Metrics};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Chance makes it longer, twice as long at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What holds the calls to one service.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Of one try.
    pub try_timeout: Duration,
    pub max_concurrency: usize,
    /// Tries in all.
    pub attempts: usize,
    pub breaker_failures: u32,
    pub breaker_reset: Duration,
}

/// How a try failed.
#[derive(Debug)]
pub enum Trial {
    /// It may pass: it is tried again, after what the service asked for, and counts for the breaker.
    Passing(String, Duration),
    /// The service's last word.
    Final(Fault),
}

pub struct Guard {
    name: &'static str,
    limits: Limits,
    metrics: Arc<Metrics>,
    places: Semaphore,
    breaker: Breaker,
}

impl Guard {
    /// Guards the service of that name, which labels its metrics.
    #[must_use]
    pub fn new(name: &'static str, limits: Limits, metrics: Arc<Metrics>) -> Self {
        metrics.breaker_changed(name, BreakerState::Closed);
        Self {
            name,
            limits,
            metrics,
            places: Semaphore::new(limits.max_concurrency),
            breaker: Breaker::new(limits.breaker_failures, limits.breaker_reset),
        }
    }

    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.breaker.state() == BreakerState::Closed
    }

    /// What every failure of the service looks like from outside.
    #[must_use]
    pub fn unavailable(&self, cause: impl std::fmt::Display) -> Fault {
        Fault::from(DEPENDENCY_UNAVAILABLE).saying(format!("{} is unavailable", self.name)).because(cause)
    }

    /// Tries until the service gives a final answer, or nothing more can be tried before the deadline.
    ///
    /// # Errors
    /// `dependency_unavailable` for what cannot be had, and the try's own final failures.
    pub async fn run<T, Work>(
        &self,
        deadline: Option<Instant>,
        attempt: impl Fn() -> Work,
    ) -> Result<T, Fault>
    where
        Work: Future<Output = Result<T, Trial>>,
    {
        let Ok(_place) = self.places.try_acquire() else {
            self.metrics.dependency_tried(self.name, "rejected", Duration::ZERO);
            return Err(self.unavailable("no place left"));
        };
        let pauses = ExponentialBuilder::new()
            .with_min_delay(FIRST_PAUSE)
            .with_max_delay(LONGEST_PAUSE)
            .with_jitter()
            .with_max_times(self.limits.attempts.saturating_sub(1));
        let in_time = |pause: &Duration| deadline.is_none_or(|deadline| Instant::now() + *pause <= deadline);
        let tried = (|| self.once(&attempt)).retry(pauses).adjust(|failure, pause| match failure {
            Trial::Passing(_, after) => pause.map(|pause| pause.max(*after)).filter(in_time),
            Trial::Final(_) => None,
        });
        tried.await.map_err(|failure| match failure {
            Trial::Passing(cause, _) => self.unavailable(cause),
            Trial::Final(fault) => fault,
        })
    }

    /// One try, through the breaker, within its timeout.
    async fn once<T, Work>(&self, attempt: impl Fn() -> Work) -> Result<T, Trial>
    where
        Work: Future<Output = Result<T, Trial>>,
    {
        let started = Instant::now();
        let Some(leave) = self.breaker.leave() else {
            self.metrics.dependency_tried(self.name, "rejected", Duration::ZERO);
            self.show();
            return Err(Trial::Final(self.unavailable("the breaker is open")));
        };
        self.show();
        let recorded = Recorded { guard: self, started, outcome: "timeout" };
        let result = tokio::time::timeout(self.limits.try_timeout, attempt()).await;
        let (outcome, result) = match result {
            Ok(Ok(value)) => ("success", Ok(value)),
            Ok(Err(failure)) => ("error", Err(failure)),
            Err(_) => ("timeout", Err(Trial::Passing("the try took too long".to_owned(), Duration::ZERO))),
        };
        recorded.end(outcome);
        leave.judge(!matches!(result, Err(Trial::Passing(..))));
        self.show();
        result
    }

    fn show(&self) {
        self.metrics.breaker_changed(self.name, self.breaker.state());
    }
}

/// Counts a try, also when nobody waited for its end.
struct Recorded<'a> {
    guard: &'a Guard,
    started: Instant,
    outcome: &'static str,
}

impl Recorded<'_> {
    fn end(mut self, outcome: &'static str) {
        self.outcome = outcome;
    }
}

impl Drop for Recorded<'_> {
    fn drop(&mut self) {
        self.guard.metrics.dependency_tried(self.guard.name, self.outcome, self.started.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn guard(attempts: usize) -> Guard {
        let limits = Limits {
            try_timeout: Duration::from_secs(1),
            max_concurrency: 1,
            attempts,
            breaker_failures: 3,
            breaker_reset: Duration::from_secs(30),
        };
        Guard::new("it", limits, Arc::new(Metrics::new("1")))
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_pass_is_tried_again() {
        let tries = AtomicU32::new(0);
        let passing = || async {
            if tries.fetch_add(1, Ordering::Relaxed) < 2 {
                Err(Trial::Passing("x".into(), Duration::ZERO))
            } else {
                Ok(7)
            }
        };
        assert_eq!(guard(3).run(None, passing).await.unwrap(), 7);
        let guard = guard(3);
        let slow = || async {
            tokio::time::sleep(Duration::from_secs(9)).await;
            Ok::<(), _>(())
        };
        assert_eq!(guard.run(None, slow).await.unwrap_err().message(), "it is unavailable");
        assert!(!guard.is_healthy());
        let unreached = || async { panic!("the breaker is open") };
        assert_eq!(guard.run::<(), _>(None, unreached).await.unwrap_err().code(), DEPENDENCY_UNAVAILABLE);
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_word_is_no_failure() {
        let guard = guard(1);
        for _ in 0..9 {
            let found = guard.run::<(), _>(None, || async { Err(Trial::Final(Fault::internal("x"))) }).await;
            assert!(found.is_err() && guard.is_healthy());
        }
        let started = Instant::now();
        let late = || async { Err::<(), _>(Trial::Passing("x".into(), Duration::from_mins(1))) };
        let deadline = Some(started + Duration::from_secs(5));
        assert!(super::tests::guard(3).run(deadline, late).await.is_err());
        assert!(started.elapsed() < Duration::from_secs(5), "Retry-After is past the deadline");
    }

    #[tokio::test(start_paused = true)]
    async fn tries_are_counted_and_come_when_they_are_asked_to() {
        let (started, tries) = (Instant::now(), AtomicU32::new(0));
        let later = || async {
            tries.fetch_add(1, Ordering::Relaxed);
            Err::<(), _>(Trial::Passing("x".into(), Duration::from_secs(3)))
        };
        assert!(guard(2).run(None, later).await.is_err());
        assert_eq!(tries.into_inner(), 2);
        assert!(started.elapsed() >= Duration::from_secs(3), "Retry-After is waited for");
    }
}
