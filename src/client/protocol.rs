//! What is said to a server: the greeting of its era, then its lists.
//!
//! Invariant: the newest era is tried first and whatever comes of that is no reason to give up; only what the
//! capabilities name is asked for, and all of it.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::timeout;

use super::{Fault, Line, Server, failure};
use crate::error::Result;

/// The newest version with a handshake.
const HANDSHAKE: &str = "2025-11-25";
/// The version without one: each request says who asks.
const STATELESS: &str = "2026-07-28";
/// How long a server that does not know the new era may be silent about it.
const PROBE: Duration = Duration::from_secs(5);
const METHOD_NOT_FOUND: i64 = -32601;

/// The lists: the capability that offers each, its method, and the key of its result.
const LISTS: [(&str, &str, &str); 4] = [
    ("tools", "tools/list", "tools"),
    ("prompts", "prompts/list", "prompts"),
    ("resources", "resources/list", "resources"),
    ("resources", "resources/templates/list", "resourceTemplates"),
];

/// A server that was greeted.
pub(super) struct Session {
    capabilities: Map<String, Value>,
    stateless: bool,
    requests: u64,
}

impl Session {
    /// Greets the server in the newest era that it speaks.
    pub(super) async fn open(line: &mut Line, server: &Server, limit: Duration) -> Result<Self> {
        let mut session = Self { capabilities: Map::new(), stateless: true, requests: 0 };
        let probe = session.discovery();
        let answer = timeout(PROBE.min(limit / 3), line.send(&probe)).await;
        let silent = answer.is_err();
        match answer {
            Ok(Ok(found)) if speaks(&found) => {
                session.capabilities = capabilities(found);
                return Ok(session);
            }
            Ok(Err(Fault::Final(error))) => return Err(error),
            _ => {}
        }
        restart_if_ended(line, server)?;
        if let Line::Endpoint(endpoint) = line {
            endpoint.restart(HANDSHAKE);
        }
        match session.greet(line).await {
            Ok(()) => Ok(session),
            // It was only slow to start: the probe has met it since.
            Err(fault) if silent => {
                if restart_if_ended(line, server)? {
                    session.greet(line).await.map_err(|fault| told("initialize", fault))?;
                    return Ok(session);
                }
                session.again(line, fault).await
            }
            Err(fault) => Err(told("initialize", fault)),
        }
    }

    /// Shakes hands.
    async fn greet(&mut self, line: &mut Line) -> std::result::Result<(), Fault> {
        let client = json!({"name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION")});
        let greeting = json!({"protocolVersion": HANDSHAKE, "capabilities": {}, "clientInfo": client});
        let welcome = line.send(&self.request("initialize", greeting)).await?;
        self.stateless = false;
        if let (Line::Endpoint(endpoint), Some(version)) =
            (&mut *line, welcome.get("protocolVersion").and_then(Value::as_str))
        {
            endpoint.speak(version);
        }
        self.capabilities = capabilities(welcome);
        line.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await.map(drop)
    }

    /// Asks once more for the newest era, after `fault` met the handshake.
    async fn again(mut self, line: &mut Line, fault: Fault) -> Result<Self> {
        if let Line::Endpoint(endpoint) = line {
            endpoint.restart(STATELESS);
        }
        let probe = self.discovery();
        match line.send(&probe).await {
            Ok(found) if speaks(&found) => {
                self.capabilities = capabilities(found);
                Ok(self)
            }
            _ => Err(told("initialize", fault)),
        }
    }

    fn discovery(&mut self) -> Value {
        self.request("server/discover", json!({}))
    }

    /// Every list that the capabilities name; all that can be named when they name nothing.
    pub(super) async fn lists(mut self, line: &mut Line) -> Result<Value> {
        let named =
            |capability: &str| self.capabilities.get(capability).is_some_and(|value| !value.is_null());
        let silent = !LISTS.iter().any(|(capability, ..)| named(capability));
        let wanted = LISTS.map(|(capability, ..)| named(capability));
        let mut document = Map::new();
        for ((_, method, key), wanted) in LISTS.into_iter().zip(wanted) {
            let entries =
                if wanted || silent { self.list(line, method, key, silent).await? } else { Vec::new() };
            document.insert(key.to_owned(), entries.into());
        }
        Ok(document.into())
    }

    /// All pages of a list.
    async fn list(&mut self, line: &mut Line, method: &str, key: &str, lenient: bool) -> Result<Vec<Value>> {
        let (mut entries, mut cursors) = (Vec::new(), HashSet::new());
        let mut params = json!({});
        loop {
            let mut page = match line.send(&self.request(method, params)).await {
                Ok(page) => page,
                // Templates of resources and lists that nothing was said of need not be there.
                Err(Fault::Refused { code: METHOD_NOT_FOUND, .. }) => return Ok(entries),
                Err(Fault::Refused { .. }) if lenient => return Ok(entries),
                Err(fault) => return Err(told(method, fault)),
            };
            match page.get_mut(key).map(Value::take) {
                Some(Value::Array(more)) => entries.extend(more),
                _ if lenient => return Ok(entries),
                _ => return Err(failure(format!("the server's answer to {method} has no list {key}"))),
            }
            let Some(cursor) = page.get("nextCursor").and_then(Value::as_str) else { return Ok(entries) };
            if !cursors.insert(cursor.to_owned()) {
                return Err(failure(format!("the server gives the same page of {method} again and again")));
            }
            params = json!({"cursor": cursor});
        }
    }

    fn request(&mut self, method: &str, mut params: Value) -> Value {
        self.requests += 1;
        if self.stateless && method != "initialize" {
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": STATELESS,
                "io.modelcontextprotocol/clientInfo":
                    {"name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION")},
                "io.modelcontextprotocol/clientCapabilities": {},
            });
        }
        json!({"jsonrpc": "2.0", "id": self.requests, "method": method, "params": params})
    }
}

/// The version that is spoken before the server has said anything.
pub(super) const FIRST: &str = STATELESS;

/// Starts a program again that ended on a request before the handshake; whether it did.
fn restart_if_ended(line: &mut Line, server: &Server) -> Result<bool> {
    let ended = matches!(line, Line::Program(program) if program.has_ended());
    if ended {
        *line = Line::open(server)?;
    }
    Ok(ended)
}

/// Whether what was discovered includes the version without a handshake.
fn speaks(found: &Value) -> bool {
    let versions = found.get("supportedVersions").and_then(Value::as_array);
    versions.is_some_and(|versions| versions.iter().any(|version| version == STATELESS))
}

fn capabilities(mut answer: Value) -> Map<String, Value> {
    match answer.get_mut("capabilities").map(Value::take) {
        Some(Value::Object(capabilities)) => capabilities,
        _ => Map::new(),
    }
}

fn told(method: &str, fault: Fault) -> crate::error::Error {
    match fault {
        Fault::Refused { code, message } => {
            failure(format!("the server refused {method}: {message} ({code})"))
        }
        Fault::Unclear(error) | Fault::Final(error) => error,
    }
}
