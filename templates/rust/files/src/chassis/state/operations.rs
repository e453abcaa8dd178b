//! Starts work in the background and follows it.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::store::{Change, New, Operation, Status, Store, digest};
use crate::chassis::fault::{self, Fault};
use crate::chassis::observe::guarded;

/// How often a worker says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// The end of an operation is offered to a store that is away, again and again.
const FINAL_ATTEMPTS: u32 = 60;
const FINAL_PAUSE: Duration = Duration::from_secs(1);

/// Tells the share of the work that is done; the work ends when the operation was cancelled.
pub type Report = Arc<dyn Fn(f64) -> BoxFuture<'static, ()> + Send + Sync>;

/// Work of an operation, given a way to report.
pub type Work = Box<dyn FnOnce(Report) -> BoxFuture<'static, Result<Map<String, Value>, Fault>> + Send>;

#[derive(Clone)]
pub struct Operations(Arc<Parts>);

struct Parts {
    store: Store,
    life: CancellationToken,
    workers: TaskTracker,
}

impl Operations {
    /// Keeps what it knows in the store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        let (life, workers) = (CancellationToken::new(), TaskTracker::new());
        Self(Arc::new(Parts { store, life, workers }))
    }

    /// Starts the work, or finds the operation that the same key already started with the same arguments.
    ///
    /// # Errors
    /// `state_conflict`, `too_many_operations` and `dependency_unavailable`.
    pub async fn start(
        &self,
        subject: &str,
        key: Option<String>,
        arguments: &impl Serialize,
        work: Work,
    ) -> Result<Operation, Fault> {
        let arguments = serde_json::to_string(arguments).map_err(Fault::internal)?;
        let id = URL_SAFE_NO_PAD.encode(Uuid::new_v4().into_bytes());
        let new = New { id, subject: subject.to_owned(), fingerprint: digest(&arguments), key };
        let (operation, is_new) = self.0.store.create(new).await?;
        if is_new {
            let (parts, subject, id) = (Arc::clone(&self.0), subject.to_owned(), operation.id.clone());
            self.0.workers.spawn(async move { parts.run(&subject, &id, work).await });
        }
        Ok(operation)
    }

    /// How a subject's operation stands.
    ///
    /// # Errors
    /// `operation_not_found`, also for an operation of another subject.
    pub async fn get(&self, subject: &str, id: &str) -> Result<Operation, Fault> {
        self.0.store.get(subject, id).await
    }

    /// Stops an operation for good.
    ///
    /// # Errors
    /// `state_conflict` when it has completed or failed.
    pub async fn cancel(&self, subject: &str, id: &str) -> Result<Operation, Fault> {
        let change = Change { status: Some(Status::Cancelled), ..Change::default() };
        let operation = self.0.store.update(subject, id, change).await?;
        if operation.status == Status::Cancelled {
            return Ok(operation);
        }
        let message = format!("operation_id: already {}", operation.status.name());
        Err(Fault::from(fault::STATE_CONFLICT).saying(message))
    }

    /// Ends every worker of this process; what they were doing is marked `failed`.
    pub async fn close(&self) {
        self.0.life.cancel();
        self.0.workers.close();
        self.0.workers.wait().await;
    }
}

impl Parts {
    /// The worker of one operation, with a heartbeat beside it.
    async fn run(self: Arc<Self>, subject: &str, id: &str, work: Work) {
        let over = self.life.child_token();
        self.report(subject, id, &over, Change { status: Some(Status::Running), ..Change::default() }).await;
        let beating = async {
            loop {
                tokio::time::sleep(HEARTBEAT).await;
                self.report(subject, id, &over, Change::default()).await;
            }
        };
        let report: Report = {
            let (parts, over) = (Arc::clone(&self), over.clone());
            let (subject, id): (Arc<str>, Arc<str>) = (subject.into(), id.into());
            Arc::new(move |progress| {
                let (parts, over) = (Arc::clone(&parts), over.clone());
                let (subject, id) = (Arc::clone(&subject), Arc::clone(&id));
                let change = Change { status: Some(Status::Running), progress, result: None };
                Box::pin(async move { parts.report(&subject, &id, &over, change).await })
            })
        };
        let result = tokio::select! {
            () = over.cancelled() => None,
            () = beating => None,
            result = guarded(work(report)) => Some(result),
        };
        let end = match result {
            Some(Ok(result)) => {
                Change { status: Some(Status::Completed), progress: 1.0, result: Some(result) }
            }
            Some(Err(failure)) => {
                let (error_code, exception) = (failure.code().name, failure.exception());
                tracing::error!(operation_id = id, error_code, exception, "operation.failed");
                Change { status: Some(Status::Failed), ..Change::default() }
            }
            None => Change { status: Some(Status::Failed), ..Change::default() },
        };
        self.finish(subject, id, end).await;
    }

    /// Work goes on while the store is away, and is over when its operation is.
    async fn report(&self, subject: &str, id: &str, over: &CancellationToken, change: Change) {
        let now = self.store.update(subject, id, change).await;
        let is_over = match now {
            Ok(now) => now.status.has_ended(),
            Err(failure) => failure.code() != fault::DEPENDENCY_UNAVAILABLE,
        };
        if is_over {
            over.cancel();
        }
    }

    /// Writes the last change. It changes nothing where the operation has ended otherwise.
    async fn finish(&self, subject: &str, id: &str, end: Change) {
        for _ in 0..FINAL_ATTEMPTS {
            match self.store.update(subject, id, end.clone()).await {
                Err(failure) if failure.code() == fault::DEPENDENCY_UNAVAILABLE => {
                    let stopping = tokio::time::timeout(FINAL_PAUSE, self.life.cancelled()).await;
                    if stopping.is_ok() {
                        let (error_code, exception) = (failure.code().name, failure.exception());
                        tracing::error!(operation_id = id, error_code, exception, "operation.lost");
                        return;
                    }
                }
                _ => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Limits, Memory};
    use super::*;

    fn operations() -> Operations {
        let limits = Limits { running: 9, ttl: Duration::from_mins(1) };
        Operations::new(Store::Memory(Arc::new(Memory::new(limits))))
    }

    async fn end_of(operations: &Operations, work: Work) -> Operation {
        let id = operations.start("a", None, &(), work).await.unwrap().id;
        tokio::time::sleep(Duration::from_secs(1)).await;
        operations.get("a", &id).await.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn how_work_ends() {
        let operations = operations();
        let done = end_of(
            &operations,
            Box::new(|report| {
                Box::pin(async move {
                    report(0.5).await;
                    Ok(Map::new())
                })
            }),
        )
        .await;
        assert_eq!((done.status, done.result.is_some()), (Status::Completed, true));
        assert!(operations.cancel("a", &done.id).await.unwrap_err().message().ends_with("completed"));
        let panicking: Work = Box::new(|_| Box::pin(async { panic!("on purpose") }));
        assert_eq!(end_of(&operations, panicking).await.status, Status::Failed);
        let endless: Work = Box::new(|_| Box::pin(std::future::pending()));
        let running = end_of(&operations, endless).await;
        assert_eq!(running.status, Status::Running);
        assert_eq!(operations.cancel("a", &running.id).await.unwrap().status, Status::Cancelled);
        let endless: Work = Box::new(|_| Box::pin(std::future::pending()));
        let running = end_of(&operations, endless).await;
        operations.close().await;
        assert_eq!(operations.get("a", &running.id).await.unwrap().status, Status::Failed);
    }
}
