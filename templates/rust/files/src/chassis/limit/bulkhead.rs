//! Lets in so many at once; the others wait, and are let in by turns of their callers.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// No place is left, not even to wait in.
#[derive(Debug, PartialEq, Eq)]
pub struct Full;

type Report = Box<dyn Fn(usize) + Send + Sync>;

pub struct Bulkhead {
    places: usize,
    queue: usize,
    report: Report,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: usize,
    queued: usize,
    waiting: HashMap<String, VecDeque<oneshot::Sender<Place>>>,
    turns: VecDeque<String>,
}

/// A place inside; dropping it gives it back.
pub struct Place(Option<Arc<Bulkhead>>);

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(bulkhead) = self.0.take() {
            bulkhead.leave();
        }
    }
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Place")
    }
}

impl Bulkhead {
    /// Has so many places, and a queue in which one caller holds at most half, rounded up. Report is told how many wait.
    #[must_use]
    pub fn new(places: usize, queue: usize, report: impl Fn(usize) + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { places, queue, report: Box::new(report), state: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a place.
    ///
    /// # Errors
    /// [`Full`], at once.
    pub async fn enter(self: &Arc<Self>, caller: &str) -> Result<Place, Full> {
        self.wait(caller, false).await
    }

    /// Is `enter` for a caller that gave its place back for a while: nothing bounds its wait.
    pub async fn come_back(self: &Arc<Self>, caller: &str) -> Option<Place> {
        self.wait(caller, true).await.ok()
    }

    async fn wait(self: &Arc<Self>, caller: &str, unbounded: bool) -> Result<Place, Full> {
        let turn = {
            let mut state = self.lock();
            if state.running < self.places {
                state.running += 1;
                return Ok(Place(Some(Arc::clone(self))));
            }
            let own = state.waiting.get(caller).map_or(0, VecDeque::len);
            if !unbounded && (state.queued >= self.queue || own >= self.queue.div_ceil(2)) {
                return Err(Full);
            }
            let (give, turn) = oneshot::channel();
            if own == 0 {
                state.turns.push_back(caller.to_owned());
            }
            state.waiting.entry(caller.to_owned()).or_default().push_back(give);
            state.queued += 1;
            (self.report)(state.queued);
            turn
        };
        let _forget = Forget { bulkhead: self, caller };
        turn.await.map_err(|_| Full)
    }

    /// Gives a place to the caller whose turn it is.
    fn leave(self: &Arc<Self>) {
        loop {
            let mut state = self.lock();
            let Some(caller) = state.turns.pop_front() else {
                state.running -= 1;
                return;
            };
            let Some(line) = state.waiting.get_mut(&caller) else { continue };
            let next = line.pop_front();
            if line.is_empty() {
                state.waiting.remove(&caller);
            } else {
                state.turns.push_back(caller);
            }
            let Some(next) = next else { continue };
            state.queued -= 1;
            (self.report)(state.queued);
            drop(state);
            match next.send(Place(Some(Arc::clone(self)))) {
                Ok(()) => return,
                Err(mut unwanted) => drop(unwanted.0.take()), // it went away; the next one's turn
            }
        }
    }
}

/// Takes a caller that does not wait any more out of the queue.
struct Forget<'a> {
    bulkhead: &'a Arc<Bulkhead>,
    caller: &'a str,
}

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        let mut state = self.bulkhead.lock();
        let Some(line) = state.waiting.get_mut(self.caller) else { return };
        let before = line.len();
        line.retain(|waiting| !waiting.is_closed());
        let gone = before - line.len();
        if line.is_empty() {
            state.waiting.remove(self.caller);
            state.turns.retain(|turn| turn != self.caller);
        }
        if gone > 0 {
            state.queued -= gone;
            (self.bulkhead.report)(state.queued);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn callers_take_turns() {
        let bulkhead = Bulkhead::new(1, 6, |_| {});
        let first = bulkhead.enter("x").await.unwrap();
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for caller in ["a", "a", "a", "b"] {
            let (bulkhead, order) = (Arc::clone(&bulkhead), Arc::clone(&order));
            tasks.push(tokio::spawn(async move {
                let _place = bulkhead.enter(caller).await.unwrap();
                order.lock().unwrap().push(caller);
            }));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(bulkhead.enter("a").await.unwrap_err(), Full, "half of the queue");
        drop(first);
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), ["a", "b", "a", "a"]);
        assert_eq!(bulkhead.lock().running, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_goes_away_leaves_the_queue() {
        let bulkhead = Bulkhead::new(1, 1, |_| {});
        let place = bulkhead.enter("a").await.unwrap();
        assert!(tokio::time::timeout(Duration::from_millis(1), bulkhead.enter("b")).await.is_err());
        assert_eq!(bulkhead.lock().queued, 0);
        let waiting = tokio::spawn({
            let bulkhead = Arc::clone(&bulkhead);
            async move { bulkhead.enter("b").await.is_ok() }
        });
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!(bulkhead.enter("c").await.unwrap_err(), Full);
        drop(place);
        assert!(waiting.await.unwrap());
    }
}
