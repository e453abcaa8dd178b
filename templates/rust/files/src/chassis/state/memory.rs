//! The store of one process.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::store::{Change, KEPT_ALL, KEPT_EACH, Limits, New, Operation, Status};
use crate::chassis::fault::{self, Fault};

pub struct Memory {
    limits: Limits,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    entries: HashMap<String, Entry>,
    /// What has ended, by the order of its end. What runs has a worker in this process, and never expires.
    finished: BTreeMap<u64, String>,
    subjects: HashMap<String, Subject>,
    keys: HashMap<(String, String), String>,
    ended_so_far: u64,
}

struct Entry {
    operation: Operation,
    owner: String,
    fingerprint: String,
    key: Option<String>,
    ended: Option<(u64, Instant)>,
}

#[derive(Default)]
struct Subject {
    running: usize,
    finished: BTreeMap<u64, String>,
}

impl Memory {
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.expire(self.limits);
        state
    }

    pub(super) fn create(&self, new: New) -> Result<(Operation, bool), Fault> {
        let mut state = self.lock();
        let key = new.key.clone().map(|key| (new.subject.clone(), key));
        let known = key.as_ref().and_then(|key| state.entries.get(state.keys.get(key)?));
        if let Some(known) = known {
            let is_same = known.fingerprint == new.fingerprint;
            return if is_same {
                Ok((known.operation.clone(), false))
            } else {
                Err(fault::STATE_CONFLICT.into())
            };
        }
        let owner = state.subjects.entry(new.subject.clone()).or_default();
        if owner.running >= self.limits.running {
            return Err(fault::TOO_MANY_OPERATIONS.into());
        }
        owner.running += 1;
        if let Some(key) = key {
            state.keys.insert(key, new.id.clone());
        }
        let operation =
            Operation { id: new.id.clone(), status: Status::Started, progress: 0.0, result: None };
        let entry = Entry {
            operation: operation.clone(),
            owner: new.subject,
            fingerprint: new.fingerprint,
            key: new.key,
            ended: None,
        };
        state.entries.insert(new.id, entry);
        Ok((operation, true))
    }

    pub(super) fn get(&self, subject: &str, id: &str) -> Result<Operation, Fault> {
        self.lock().find(subject, id).map(|entry| entry.operation.clone())
    }

    pub(super) fn update(&self, subject: &str, id: &str, change: Change) -> Result<Operation, Fault> {
        let mut state = self.lock();
        let operation = &mut state.find(subject, id)?.operation;
        if let (Some(status), false) = (change.status, operation.status.has_ended()) {
            operation.status = status;
            operation.result = change.result;
            operation.progress = operation.progress.max(change.progress);
            let now = operation.clone();
            if status.has_ended() {
                state.finish(id);
            }
            return Ok(now);
        }
        Ok(operation.clone())
    }
}

impl State {
    fn find(&mut self, subject: &str, id: &str) -> Result<&mut Entry, Fault> {
        let own = self.entries.get_mut(id).filter(|entry| entry.owner == subject);
        own.ok_or_else(|| fault::OPERATION_NOT_FOUND.into())
    }

    fn finish(&mut self, id: &str) {
        let Some(entry) = self.entries.get_mut(id) else { return };
        self.ended_so_far += 1;
        let order = self.ended_so_far;
        entry.ended = Some((order, Instant::now()));
        let owner = self.subjects.entry(entry.owner.clone()).or_default();
        owner.running -= 1;
        owner.finished.insert(order, id.to_owned());
        self.finished.insert(order, id.to_owned());
        let own =
            (owner.finished.len() > KEPT_EACH).then(|| owner.finished.values().next().cloned()).flatten();
        if let Some(oldest) = own {
            self.forget(&oldest);
        }
        let any = (self.finished.len() > KEPT_ALL).then(|| self.finished.values().next().cloned()).flatten();
        if let Some(oldest) = any {
            self.forget(&oldest);
        }
    }

    fn expire(&mut self, limits: Limits) {
        while let Some(oldest) = self.finished.values().next().cloned() {
            let ended = self.entries.get(&oldest).and_then(|entry| entry.ended);
            if ended.is_some_and(|(_, at)| at.elapsed() < limits.ttl) {
                return;
            }
            self.forget(&oldest);
        }
    }

    /// Forgets an operation that has ended.
    fn forget(&mut self, id: &str) {
        let Some(entry) = self.entries.remove(id) else { return };
        let order = entry.ended.map_or(0, |(order, _)| order);
        self.finished.remove(&order);
        if let Some(key) = entry.key {
            self.keys.remove(&(entry.owner.clone(), key));
        }
        if let Some(owner) = self.subjects.get_mut(&entry.owner) {
            owner.finished.remove(&order);
            if owner.running == 0 && owner.finished.is_empty() {
                self.subjects.remove(&entry.owner);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn memory() -> Memory {
        Memory::new(Limits { running: 2, ttl: Duration::from_mins(1) })
    }

    fn new(id: &str, subject: &str, key: Option<&str>) -> New {
        New { id: id.into(), subject: subject.into(), fingerprint: "f".into(), key: key.map(str::to_owned) }
    }

    fn ended(status: Status) -> Change {
        Change { status: Some(status), progress: 1.0, result: None }
    }

    #[tokio::test(start_paused = true)]
    async fn keys_bounds_and_owners() {
        let memory = memory();
        assert!(memory.create(new("1", "a", Some("k"))).unwrap().1);
        let (again, added) = memory.create(new("2", "a", Some("k"))).unwrap();
        assert_eq!((again.id.as_str(), added), ("1", false));
        let other = New { fingerprint: "g".into(), ..new("3", "a", Some("k")) };
        assert_eq!(memory.create(other).unwrap_err().code(), fault::STATE_CONFLICT);
        assert!(memory.create(new("4", "b", Some("k"))).unwrap().1, "keys are the subject's own");
        memory.create(new("5", "a", None)).unwrap();
        assert_eq!(memory.create(new("6", "a", None)).unwrap_err().code(), fault::TOO_MANY_OPERATIONS);
        assert_eq!(memory.get("b", "1").unwrap_err().code(), fault::OPERATION_NOT_FOUND);
    }

    #[tokio::test(start_paused = true)]
    async fn time_to_live_counts_from_the_end() {
        let memory = memory();
        memory.create(new("1", "a", Some("k"))).unwrap();
        tokio::time::advance(Duration::from_mins(10)).await;
        assert_eq!(memory.update("a", "1", ended(Status::Completed)).unwrap().status, Status::Completed);
        assert_eq!(
            memory.update("a", "1", ended(Status::Failed)).unwrap().status,
            Status::Completed,
            "it has ended"
        );
        tokio::time::advance(Duration::from_secs(59)).await;
        assert!(memory.get("a", "1").is_ok());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(memory.get("a", "1").is_err());
        assert!(memory.create(new("2", "a", Some("k"))).unwrap().1, "the key went with it");
        assert_eq!(memory.lock().subjects.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_of_a_subject_go_first() {
        let memory = memory();
        memory.create(new("other", "b", None)).unwrap();
        memory.update("b", "other", ended(Status::Failed)).unwrap();
        for id in 0..=KEPT_EACH {
            memory.create(new(&id.to_string(), "a", None)).unwrap();
            memory.update("a", &id.to_string(), ended(Status::Failed)).unwrap();
        }
        assert!(
            memory.get("a", "0").is_err() && memory.get("a", "1").is_ok() && memory.get("b", "other").is_ok()
        );
    }
}
