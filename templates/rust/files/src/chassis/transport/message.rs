//! A JSON-RPC request or notification that has the shape the protocol gives it.

use rmcp::ErrorData;
use rmcp::model::ErrorCode;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::chassis::observe::{PROTOCOL, Trace};
use crate::chassis::{json, text};

pub struct Message {
    /// None for a notification.
    pub id: Option<Value>,
    pub method: String,
    pub params: Map<String, Value>,
}

/// A message that is answered before anybody looks at what it asks for.
#[derive(Debug)]
pub struct Malformed {
    pub code: ErrorCode,
    pub reason: String,
    pub id: Value,
    /// It has a method and no id: nobody waits for an answer.
    pub is_notification: bool,
}

impl Malformed {
    pub fn parse_error(reason: &str) -> Self {
        Self {
            code: ErrorCode::PARSE_ERROR,
            reason: reason.to_owned(),
            id: Value::Null,
            is_notification: false,
        }
    }

    /// The error's own message; the reason of a wrong shape of params says it all.
    pub fn title(&self) -> &str {
        match self.code {
            ErrorCode::PARSE_ERROR => "Parse error",
            ErrorCode::INVALID_REQUEST => "Invalid request",
            _ => &self.reason,
        }
    }
}

/// A member of params: its name, whether it is an object or a string, whether it must be there.
type Member = (&'static str, bool, bool);

/// The methods that the server answers, with the members of their params.
fn members(method: &str) -> Option<&'static [Member]> {
    const CURSOR: &[Member] = &[("cursor", false, false)];
    const CALL: &[Member] = &[("name", false, true), ("arguments", true, false)];
    const INITIALIZE: &[Member] =
        &[("protocolVersion", false, true), ("capabilities", true, true), ("clientInfo", true, true)];
    Some(match method {
        "initialize" => INITIALIZE,
        "ping" | "server/discover" => &[],
        "tools/list" | "resources/list" | "resources/templates/list" | "prompts/list" => CURSOR,
        "tools/call" | "prompts/get" => CALL,
        "resources/read" => &[("uri", false, true)],
        _ => return None,
    })
}

const VERSION_KEY: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES_KEY: &str = "io.modelcontextprotocol/clientCapabilities";
/// How much of a name that a client made up is repeated, in code points.
const MAX_NAME: usize = 64;

impl Message {
    /// Reads a body or a line.
    pub fn parse(body: &[u8]) -> Result<Self, Malformed> {
        let tree = json::parse(body).map_err(|refused| Malformed::parse_error(&refused.to_string()))?;
        let Value::Object(mut object) = tree else { return Err(no_request(Value::Null, false)) };
        let raw_id = object.remove("id");
        let id = raw_id.as_ref().and_then(read_id);
        let method = object.remove("method").and_then(|method| method.as_str().map(str::to_owned));
        let is_unreadable = raw_id.is_some() && id.is_none();
        let is_notification = raw_id.is_none() && method.is_some();
        let (Some(method), true, false) =
            (method, object.get("jsonrpc") == Some(&json!("2.0")), is_unreadable)
        else {
            return Err(no_request(id.unwrap_or_default(), is_notification));
        };
        let mut message = Self { id, method, params: Map::new() };
        let read = message.read_params(object.remove("params").unwrap_or_default());
        read.map_err(|reason| Malformed {
            code: ErrorCode::INVALID_PARAMS,
            reason,
            id: message.id.clone().unwrap_or_default(),
            is_notification,
        })?;
        Ok(message)
    }

    /// Takes null for what is absent, as some languages' clients write it, and says what else is wrong.
    fn read_params(&mut self, params: Value) -> Result<(), String> {
        self.params = match params {
            Value::Null => Map::new(),
            Value::Object(params) => params,
            _ => return Err("params must be an object".to_owned()),
        };
        self.read_meta()?;
        let expected = if self.is_stray_handshake() { None } else { members(&self.method) };
        for (name, is_object, is_required) in expected.into_iter().flatten() {
            let kind = if *is_object { "an object" } else { "a string" };
            let is_fine = match self.params.get(*name) {
                None | Some(Value::Null) => {
                    self.params.remove(*name);
                    !is_required
                }
                Some(value) => {
                    if *is_object {
                        value.is_object()
                    } else {
                        value.is_string()
                    }
                }
            };
            if !is_fine {
                return Err(format!("params.{name} must be {kind}"));
            }
        }
        if self.method == "prompts/get"
            && let Some(Value::Object(arguments)) = self.params.get_mut("arguments")
        {
            arguments.retain(|_, value| !value.is_null());
            let wrong = arguments.iter().filter(|(_, value)| !value.is_string()).map(|(name, _)| name).min();
            if let Some(name) = wrong {
                let name = text::cut(&json::well_formed(name), MAX_NAME);
                return Err(format!("params.arguments.{name} must be a string"));
            }
        }
        Ok(())
    }

    fn read_meta(&mut self) -> Result<(), String> {
        match self.params.get_mut("_meta") {
            None => {}
            Some(Value::Null) => {
                self.params.remove("_meta");
            }
            Some(Value::Object(meta)) => match meta.get("progressToken") {
                None => {}
                Some(Value::Null) => {
                    meta.remove("progressToken");
                }
                Some(token) if read_id(token).is_some() => {}
                Some(_) => return Err("params._meta.progressToken must be a string or an integer".to_owned()),
            },
            Some(_) => return Err("params._meta must be an object".to_owned()),
        }
        Ok(())
    }

    fn meta(&self, key: &str) -> Option<&Value> {
        self.params.get("_meta")?.get(key)
    }

    /// What requests of a protocol without a handshake say in each message.
    pub fn version(&self) -> Option<&str> {
        self.meta(VERSION_KEY)?.as_str()
    }

    /// What a request without a handshake must tell of its client, and does not.
    pub fn missing_meta(&self) -> Vec<&'static str> {
        let is_told = |key| match self.meta(key) {
            Some(Value::String(_)) => key == VERSION_KEY,
            Some(Value::Object(_)) => key == CAPABILITIES_KEY,
            _ => false,
        };
        [VERSION_KEY, CAPABILITIES_KEY].into_iter().filter(|key| !is_told(key)).collect()
    }

    /// Whether the client speaks a protocol that has no handshake.
    pub fn is_modern(&self) -> bool {
        self.version().is_some()
    }

    fn is_stray_handshake(&self) -> bool {
        self.method == "initialize" && self.is_modern()
    }

    /// Whether anybody here answers the method in that protocol.
    pub fn is_known(&self) -> bool {
        let is_foreign = match self.method.as_str() {
            "initialize" | "ping" => self.is_modern(),
            "server/discover" => !self.is_modern(),
            _ => false,
        };
        members(&self.method).is_some() && !is_foreign
    }

    /// The answer to a request of a version that nobody speaks here without a handshake.
    pub fn unsupported(&self) -> Option<ErrorData> {
        let version = self.version().filter(|version| *version != PROTOCOL)?;
        self.id.as_ref().map(|_| unsupported_version(&[PROTOCOL], version))
    }

    pub fn text(&self, name: &str) -> &str {
        self.params.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    pub fn progress_token(&self) -> Option<Value> {
        self.meta("progressToken").and_then(read_id)
    }

    /// The trace context in the message.
    pub fn trace(&self) -> Option<Trace> {
        let text = |key| self.meta(key).and_then(Value::as_str);
        Trace::read(text("traceparent")?, text("tracestate").unwrap_or_default())
    }
}

fn no_request(id: Value, is_notification: bool) -> Malformed {
    let reason = "body is not one JSON-RPC request or notification".to_owned();
    Malformed { code: ErrorCode::INVALID_REQUEST, reason, id, is_notification }
}

/// A well-formed string or a whole number that every client can hold.
pub fn read_id(id: &Value) -> Option<Value> {
    match id {
        Value::String(text) if json::is_well_formed(text) => Some(id.clone()),
        Value::Number(number) => json::whole(number).map(Value::from),
        _ => None,
    }
}

/// Answers a request of a version that nobody speaks here.
pub fn unsupported_version(supported: &[impl Serialize], requested: &str) -> ErrorData {
    let data = json!({ "supported": supported, "requested": json::well_formed(requested) });
    ErrorData::new(ErrorCode::UNSUPPORTED_PROTOCOL_VERSION, "Unsupported protocol version", Some(data))
}

/// Answers what nobody here knows; its name is not repeated.
pub fn method_not_found() -> ErrorData {
    ErrorData::new(ErrorCode::METHOD_NOT_FOUND, "Method not found", None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &Value) -> Result<Message, Malformed> {
        Message::parse(value.to_string().as_bytes())
    }

    #[test]
    fn shapes() {
        for (params, reason) in [
            (json!([]), "params must be an object"),
            (json!({}), "params.name must be a string"),
            (json!({ "name": "x", "arguments": 1 }), "params.arguments must be an object"),
            (json!({ "name": "x", "_meta": 1 }), "params._meta must be an object"),
            (
                json!({ "name": "x", "_meta": { "progressToken": 1.5 } }),
                "params._meta.progressToken must be a string or an integer",
            ),
            (json!({ "name": "x", "arguments": null, "_meta": null }), ""),
        ] {
            let read =
                parse(&json!({ "jsonrpc": "2.0", "id": 7.0, "method": "tools/call", "params": params }));
            assert_eq!(read.as_ref().err().map_or("", |wrong| &wrong.reason), reason);
            assert_eq!(read.map_or_else(|wrong| wrong.id, |message| message.id.unwrap()), json!(7));
        }
    }

    #[test]
    fn what_is_no_request() {
        for wrong in [
            json!([]),
            json!({ "jsonrpc": "2.0", "id": 1, "result": {} }),
            json!({ "id": 1, "method": "ping" }),
        ] {
            assert_eq!(parse(&wrong).err().unwrap().code, ErrorCode::INVALID_REQUEST, "{wrong}");
        }
        for id in [json!(null), json!(1.5), json!(true), json!(9_007_199_254_740_992_i64)] {
            let wrong = parse(&json!({ "jsonrpc": "2.0", "id": id, "method": "ping" })).err().unwrap();
            assert_eq!((wrong.code, wrong.id), (ErrorCode::INVALID_REQUEST, Value::Null));
        }
    }
}
