//! Who did what with which outcome. Arguments appear as a digest, keyed for this process: equal arguments have equal
//! digests, and nobody can guess them.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use uuid::Uuid;

use super::logs::{Level, Log};
use crate::chassis::caller::Caller;

#[derive(Clone)]
pub struct Audit {
    log: Log,
    key: Hmac<Sha256>,
}

/// One line: of what name, how it ended, which scopes it needed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Entry<'a> {
    pub name: Option<&'a str>,
    pub outcome: &'a str,
    pub scopes: &'a [&'a str],
    pub arguments: Option<&'a str>,
}

impl Audit {
    #[must_use]
    pub fn new(log: &Log) -> Self {
        let secret = [Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat();
        let key = Hmac::new_from_slice(&secret).unwrap_or_else(|_| unreachable!("a key may have any length"));
        Self { log: log.named("audit"), key }
    }

    /// Writes `audit.EVENT` for the caller.
    pub fn record(&self, caller: &Caller, event: &str, entry: Entry) {
        let fields = json!({
            "subject": caller.subject,
            "name": entry.name,
            "outcome": entry.outcome,
            "scopes": entry.scopes,
            "arguments_digest": entry.arguments.map_or(Value::Null, |arguments| self.digest(arguments).into()),
        });
        self.log.tell_of(caller, Level::Info, &format!("audit.{event}"), fields);
    }

    /// Records that a secret's file was read.
    pub fn secret_read(&self, name: &str) {
        self.log.tell(Level::Info, "audit.secret_read", json!({ "name": name, "outcome": "success" }));
    }

    fn digest(&self, arguments: &str) -> String {
        let mut mac = self.key.clone();
        mac.update(arguments.as_bytes());
        mac.finalize().into_bytes().iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}"); // a string takes everything
            text
        })
    }
}
