//! A tool call's place, which it may give back while it only waits.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus::IntGauge;
use tokio::time::Instant;

use super::bulkhead::{Bulkhead, Full, Place};

/// The places of tool calls, and those that hold none because all they do is wait: bounded for each caller, and in all.
pub struct Places {
    bulkhead: Arc<Bulkhead>,
    each: usize,
    waiting: Mutex<HashMap<String, usize>>,
    in_flight: IntGauge,
}

impl Places {
    #[must_use]
    pub fn new(bulkhead: Arc<Bulkhead>, each: usize, in_flight: IntGauge) -> Arc<Self> {
        Arc::new(Self { bulkhead, each, waiting: Mutex::default(), in_flight })
    }

    /// Waits for a place until the deadline; whoever has none by then gets a slot in which its time is over.
    ///
    /// # Errors
    /// [`Full`], at once.
    pub async fn enter(self: &Arc<Self>, key: &str, deadline: Instant) -> Result<Slot, Full> {
        let place = match tokio::time::timeout_at(deadline, self.bulkhead.enter(key)).await {
            Ok(place) => Some(place?),
            Err(_) => None,
        };
        self.in_flight.inc();
        Ok(Slot { places: Arc::clone(self), key: key.to_owned(), deadline, place: Mutex::new(place) })
    }
}

pub struct Slot {
    places: Arc<Places>,
    key: String,
    pub deadline: Instant,
    place: Mutex<Option<Place>>,
}

impl Slot {
    /// Runs what only waits without holding the place; nothing when too many wait already.
    pub async fn wait<T>(&self, wait: impl Future<Output = T>) -> Option<T> {
        let _counted = Waiting::enter(self)?;
        drop(self.place.lock().unwrap_or_else(PoisonError::into_inner).take());
        let waited = wait.await;
        let place = self.places.bulkhead.come_back(&self.key).await;
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = place;
        Some(waited)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.places.in_flight.dec();
    }
}

struct Waiting<'a>(&'a Slot);

impl<'a> Waiting<'a> {
    fn enter(slot: &'a Slot) -> Option<Self> {
        let mut waiting = slot.places.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = waiting.values().sum();
        let own = waiting.get(&slot.key).copied().unwrap_or_default();
        if all >= 4 * slot.places.each || own >= slot.places.each {
            return None;
        }
        waiting.insert(slot.key.clone(), own + 1);
        Some(Self(slot))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut waiting = self.0.places.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = waiting.get_mut(&self.0.key) {
            *own -= 1;
            if *own == 0 {
                waiting.remove(&self.0.key);
            }
        }
    }
}
