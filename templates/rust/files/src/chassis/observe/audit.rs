//! Who did what with which outcome. Arguments appear as a digest, keyed for this process: equal arguments have equal
//! digests, and nobody can guess them.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use uuid::Uuid;

use super::logs::AUDIT;
use crate::chassis::caller::Caller;

#[derive(Clone)]
pub struct Audit {
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

impl Default for Audit {
    fn default() -> Self {
        let secret = [Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat();
        let key = Hmac::new_from_slice(&secret).unwrap_or_else(|_| unreachable!("a key may have any length"));
        Self { key }
    }
}

impl Audit {
    /// Writes `audit.EVENT` for the caller.
    pub fn record(&self, caller: &Caller, event: &str, entry: Entry) {
        tracing::info!(
            target: AUDIT,
            subject = caller.subject,
            name = entry.name,
            outcome = entry.outcome,
            scopes = ?entry.scopes,
            arguments_digest = entry.arguments.map(|arguments| self.digest(arguments)),
            "audit.{event}"
        );
    }

    /// Records that a secret's file was read.
    pub fn secret_read(&self, name: &str) {
        tracing::info!(target: AUDIT, name, outcome = "success", "audit.secret_read");
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
