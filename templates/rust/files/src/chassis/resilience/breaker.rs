//! Opens after so many failures in a row, lets one try through after a while, and closes on its success.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::chassis::observe::BreakerState;

pub struct Breaker {
    failures: u32,
    reset: Duration,
    state: Mutex<State>,
}

#[derive(Clone, Copy)]
enum State {
    Closed { failed: u32 },
    Open { since: Instant },
    HalfOpen,
}

/// Leave for one try. Dropped without a verdict, it leaves the breaker as it was.
pub struct Leave<'a> {
    breaker: &'a Breaker,
    before: Option<State>,
}

impl Breaker {
    pub fn new(failures: u32, reset: Duration) -> Self {
        Self { failures, reset, state: Mutex::new(State::Closed { failed: 0 }) }
    }

    pub fn state(&self) -> BreakerState {
        match *self.state.lock().unwrap_or_else(PoisonError::into_inner) {
            State::Closed { .. } => BreakerState::Closed,
            State::Open { since } if since.elapsed() < self.reset => BreakerState::Open,
            State::Open { .. } | State::HalfOpen => BreakerState::HalfOpen,
        }
    }

    /// None while nothing may be tried.
    pub fn leave(&self) -> Option<Leave<'_>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let before = *state;
        match before {
            State::Closed { .. } => Some(Leave { breaker: self, before: None }),
            State::Open { since } if since.elapsed() >= self.reset => {
                *state = State::HalfOpen;
                Some(Leave { breaker: self, before: Some(before) })
            }
            State::Open { .. } | State::HalfOpen => None,
        }
    }
}

impl Leave<'_> {
    pub fn judge(mut self, success: bool) {
        let mut state = self.breaker.state.lock().unwrap_or_else(PoisonError::into_inner);
        let was_probe = self.before.take().is_some();
        *state = match (*state, success) {
            (State::Open { since }, _) if !was_probe => State::Open { since },
            (_, true) => State::Closed { failed: 0 },
            (State::Closed { failed }, false) if failed + 1 < self.breaker.failures => {
                State::Closed { failed: failed + 1 }
            }
            (_, false) => State::Open { since: Instant::now() },
        };
    }
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        if let Some(before) = self.before {
            *self.breaker.state.lock().unwrap_or_else(PoisonError::into_inner) = before;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn opens_and_closes() {
        let breaker = Breaker::new(2, Duration::from_secs(1));
        breaker.leave().unwrap().judge(false);
        breaker.leave().unwrap().judge(true);
        breaker.leave().unwrap().judge(false);
        assert_eq!(breaker.state(), BreakerState::Closed);
        breaker.leave().unwrap().judge(false);
        assert_eq!(breaker.state(), BreakerState::Open);
        assert!(breaker.leave().is_none());
        tokio::time::advance(Duration::from_secs(1)).await;
        drop(breaker.leave().unwrap());
        let probe = breaker.leave().unwrap();
        assert!(breaker.leave().is_none(), "one at a time");
        probe.judge(false);
        assert_eq!(breaker.state(), BreakerState::Open);
        tokio::time::advance(Duration::from_secs(1)).await;
        breaker.leave().unwrap().judge(true);
        assert_eq!(breaker.state(), BreakerState::Closed);
    }
}
