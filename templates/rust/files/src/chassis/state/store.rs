//! What is known of operations, and where it is kept.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::memory::Memory;
use super::redis::Redis;
use crate::chassis::fault::{DEPENDENCY_UNAVAILABLE, Fault};

/// State of the operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Started,
    Running,
    Completed,
    Failed,
    Cancelled,
}

impl Status {
    const ALL: [(&'static str, Self); 5] = [
        ("started", Self::Started),
        ("running", Self::Running),
        ("completed", Self::Completed),
        ("failed", Self::Failed),
        ("cancelled", Self::Cancelled),
    ];

    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }

    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, status)| *status)
    }

    /// Nothing will change any more.
    #[must_use]
    pub const fn has_ended(self) -> bool {
        !matches!(self, Self::Started | Self::Running)
    }
}

/// What is known of one.
#[derive(Clone, Debug)]
pub struct Operation {
    pub id: String,
    pub status: Status,
    /// The share of the work that is done, 0 to 1.
    pub progress: f64,
    /// Of a completed operation.
    pub result: Option<Map<String, Value>>,
}

/// What a store is asked to add.
#[derive(Clone, Debug)]
pub struct New {
    pub id: String,
    pub subject: String,
    /// Equal for equal arguments.
    pub fingerprint: String,
    /// The caller's idempotency key.
    pub key: Option<String>,
}

/// What a worker reports; without a status it only says that it is alive.
#[derive(Clone, Debug, Default)]
pub struct Change {
    pub status: Option<Status>,
    pub progress: f64,
    pub result: Option<Map<String, Value>>,
}

/// Bounds of a store: for each subject first, then in all. What runs is never evicted.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Running operations of one subject.
    pub running: usize,
    /// Counts from an operation's last change.
    pub ttl: Duration,
}

/// How many finished operations of one subject are kept, the oldest go first.
pub(super) const KEPT_EACH: usize = 1000;
/// The same for all subjects.
pub(super) const KEPT_ALL: usize = 10_000;
/// How long a store believes that a silent worker lives.
pub(super) const LEASE: Duration = Duration::from_secs(15);

/// Keeps operations. Each method fails with `dependency_unavailable` when the store is out of reach.
#[derive(Clone)]
pub enum Store {
    Memory(Arc<Memory>),
    Redis(Arc<Redis>),
}

impl Store {
    /// Adds an operation, or returns the one that the same key already started, and whether it was added.
    pub(super) async fn create(&self, new: New) -> Result<(Operation, bool), Fault> {
        match self {
            Self::Memory(memory) => memory.create(new),
            Self::Redis(redis) => redis.create(new).await,
        }
    }

    /// Fails with `operation_not_found`, also for an operation of another subject.
    pub(super) async fn get(&self, subject: &str, id: &str) -> Result<Operation, Fault> {
        match self {
            Self::Memory(memory) => memory.get(subject, id),
            Self::Redis(redis) => redis.get(subject, id).await,
        }
    }

    /// Changes an operation unless it has ended, and returns what it is now.
    pub(super) async fn update(&self, subject: &str, id: &str, change: Change) -> Result<Operation, Fault> {
        match self {
            Self::Memory(memory) => memory.update(subject, id, change),
            Self::Redis(redis) => redis.update(subject, id, change).await,
        }
    }

    /// Whether the store was in reach when it was last asked.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        match self {
            Self::Memory(_) => true,
            Self::Redis(redis) => redis.connection.is_healthy(),
        }
    }

    /// Calls `reached` as soon as the store answers, and keeps asking for as long as it is polled.
    pub async fn watch(&self, reached: impl Fn()) {
        match self {
            Self::Memory(_) => reached(),
            Self::Redis(redis) => redis.connection.watch(reached).await,
        }
    }
}

/// What every failure of a store looks like from outside.
pub(super) fn unavailable(cause: impl std::fmt::Display) -> Fault {
    Fault::from(DEPENDENCY_UNAVAILABLE).saying("state is unavailable").because(cause)
}

/// Stands for text that a caller sent.
pub(super) fn digest(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text.as_bytes()))
}
