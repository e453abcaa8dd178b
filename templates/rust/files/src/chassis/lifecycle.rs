//! A server's life: starting, ready, stopping (still serving), draining (finishing).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::chassis::fault::{Fault, SHUTTING_DOWN};

/// What `/ready` tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Starting,
    Ready,
    Stopping,
}

impl Phase {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Stopping => "stopping",
        }
    }
}

/// Knows the phase, and how many calls have not ended.
pub struct Lifecycle {
    delay: Duration,
    grace: Duration,
    phase: Mutex<Phase>,
    draining: CancellationToken,
    calls: AtomicUsize,
    ended: Notify,
}

/// A call in flight, until it is dropped.
pub struct InFlight(Arc<Lifecycle>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::SeqCst);
        self.0.ended.notify_waiters();
    }
}

impl Lifecycle {
    /// After the delay of a stop new calls are refused, after the grace those in flight are left behind.
    #[must_use]
    pub fn new(delay: Duration, grace: Duration) -> Arc<Self> {
        Arc::new(Self {
            delay,
            grace,
            phase: Mutex::new(Phase::Starting),
            draining: CancellationToken::new(),
            calls: AtomicUsize::new(0),
            ended: Notify::new(),
        })
    }

    #[must_use]
    pub fn phase(&self) -> Phase {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// New calls are refused.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.is_cancelled()
    }

    /// Lets a new call in.
    ///
    /// # Errors
    /// `shutting_down`.
    pub fn admit(&self) -> Result<(), Fault> {
        if self.is_draining() {
            return Err(Fault::from(SHUTTING_DOWN).retry_after(Duration::from_secs(1)));
        }
        Ok(())
    }

    /// Everything the server needs was in reach once.
    pub fn ready(&self) {
        let mut phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        if *phase == Phase::Starting {
            *phase = Phase::Ready;
        }
    }

    /// Counts a call in flight.
    #[must_use]
    pub fn enter(self: &Arc<Self>) -> InFlight {
        self.calls.fetch_add(1, Ordering::SeqCst);
        InFlight(Arc::clone(self))
    }

    /// Is not ready but serves on for the delay; from then on new calls are refused. `now` cuts it short.
    pub async fn stop(&self, now: &CancellationToken) {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner) = Phase::Stopping;
        tracing::info!(calls_in_flight = self.calls.load(Ordering::SeqCst), "server.stopping");
        tokio::select! {
            () = tokio::time::sleep(self.delay) => {}
            () = now.cancelled() => {}
        }
        self.draining.cancel();
    }

    /// Waits until the calls in flight have ended, at most for the grace.
    pub async fn drain(&self, now: &CancellationToken) {
        let idle = async {
            loop {
                let ended = self.ended.notified();
                tokio::pin!(ended);
                ended.as_mut().enable();
                if self.calls.load(Ordering::SeqCst) == 0 {
                    return;
                }
                ended.await;
            }
        };
        tokio::select! {
            () = idle => {}
            () = tokio::time::sleep(self.grace) => {}
            () = now.cancelled() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_life() {
        let life = Lifecycle::new(Duration::from_secs(5), Duration::from_secs(30));
        assert_eq!(life.phase(), Phase::Starting);
        life.ready();
        assert_eq!(life.phase(), Phase::Ready);
        let now = CancellationToken::new();
        let started = Instant::now();
        let call = life.enter();
        life.stop(&now).await;
        assert_eq!(
            (life.phase(), life.is_draining(), started.elapsed().as_secs()),
            (Phase::Stopping, true, 5)
        );
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(2)).await;
            drop(call);
        });
        life.drain(&now).await;
        assert_eq!(started.elapsed().as_secs(), 7);
        let _left_behind = life.enter();
        life.drain(&now).await;
        assert_eq!(started.elapsed().as_secs(), 37);
    }
}
