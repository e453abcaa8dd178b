//! The store that replicas share. Each change is one script, which Redis runs as a whole; replicas in other languages
//! use the very same.

use std::sync::{Arc, LazyLock};

use redis::{Script, Value};
use serde_json::{Map, Value as Json};

use super::connection::Connection;
use super::store::{Change, KEPT_ALL, KEPT_EACH, LEASE, Limits, New, Operation, Status, digest, unavailable};
use crate::chassis::fault::{self, Fault};

static CREATE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("create.lua")));
static TOUCH: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("touch.lua")));

pub struct Redis {
    pub(super) connection: Arc<Connection>,
    limits: Limits,
}

impl Redis {
    /// Keeps operations behind the connection.
    #[must_use]
    pub const fn new(connection: Arc<Connection>, limits: Limits) -> Self {
        Self { connection, limits }
    }

    pub(super) async fn create(&self, new: New) -> Result<(Operation, bool), Fault> {
        let key = new.key.map(|key| digest(&format!("{}\n{key}", new.subject))).unwrap_or_default();
        let arguments = [
            self.connection.prefix.clone(),
            new.id.clone(),
            digest(&new.subject),
            new.fingerprint,
            key,
            self.limits.running.to_string(),
            self.limits.ttl.as_secs().to_string(),
            LEASE.as_secs().to_string(),
        ];
        let answer = self.connection.run(&CREATE, &self.connection.prefix, &arguments).await?;
        match text_of(&answer).as_str() {
            "conflict" => Err(fault::STATE_CONFLICT.into()),
            "too_many" => Err(fault::TOO_MANY_OPERATIONS.into()),
            id if id == new.id => {
                Ok((Operation { id: new.id, status: Status::Started, progress: 0.0, result: None }, true))
            }
            known => Ok((self.get(&new.subject, known).await?, false)),
        }
    }

    pub(super) async fn get(&self, subject: &str, id: &str) -> Result<Operation, Fault> {
        self.touch(subject, id, "", "", "", false).await
    }

    pub(super) async fn update(&self, subject: &str, id: &str, change: Change) -> Result<Operation, Fault> {
        let Some(status) = change.status else {
            return self.touch(subject, id, Status::Running.name(), "", "", false).await;
        };
        let progress = if change.progress > 0.0 { change.progress.to_string() } else { String::new() };
        let result = change.result.map(|result| Json::Object(result).to_string()).unwrap_or_default();
        self.touch(subject, id, status.name(), &progress, &result, status.has_ended()).await
    }

    async fn touch(
        &self,
        subject: &str,
        id: &str,
        status: &str,
        progress: &str,
        result: &str,
        ended: bool,
    ) -> Result<Operation, Fault> {
        let arguments = [
            self.connection.prefix.clone(),
            id.to_owned(),
            digest(subject),
            LEASE.as_secs().to_string(),
            status.to_owned(),
            progress.to_owned(),
            result.to_owned(),
            u8::from(ended).to_string(),
            self.limits.ttl.as_secs().to_string(),
            KEPT_EACH.to_string(),
            KEPT_ALL.to_string(),
        ];
        let answer = self.connection.run(&TOUCH, &self.connection.prefix, &arguments).await?;
        let Value::Array(fields) = answer else { return Err(fault::OPERATION_NOT_FOUND.into()) };
        let [status, progress, result] = &fields[..] else { return Err(unavailable("an odd answer")) };
        let result = text_of(result);
        let result = if result.is_empty() {
            None
        } else {
            Some(serde_json::from_str::<Map<String, Json>>(&result).map_err(unavailable)?)
        };
        let status = Status::of(&text_of(status)).ok_or_else(|| unavailable("an odd status"))?;
        let progress = text_of(progress).parse().map_err(unavailable)?;
        Ok(Operation { id: id.to_owned(), status, progress, result })
    }
}

pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::BulkString(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::SimpleString(text) => text.clone(),
        _ => String::new(),
    }
}
