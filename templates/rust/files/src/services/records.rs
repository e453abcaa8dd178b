//! A client of the external records service.

use std::sync::Arc;

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use serde_json::{Map, Value};
use url::Url;

use crate::chassis::context::Context;
use crate::chassis::fault::{Code, Fault};
use crate::chassis::resilience::{Service, Services};
use crate::chassis::settings::Secret;
use crate::chassis::{json, text};
use crate::settings;

/// The service's name in health checks, metrics and messages.
const NAME: &str = "external_api";

/// The service has no such record.
pub const RECORD_NOT_FOUND: Code = Code::business("record_not_found", "record_id: no such record");

pub struct Records {
    service: Service,
    base: Url,
    key: Option<Arc<Secret>>,
}

impl Records {
    /// None when the service is not set up.
    #[must_use]
    pub fn open(set: &settings::Records, open: &Services) -> Option<Arc<Self>> {
        let Some(base) = set.base_url.clone() else {
            open.health.disabled(NAME);
            return None;
        };
        let key = set.api_key.clone();
        if let Some(key) = &key {
            let audit = open.audit.clone();
            key.on_read(move |name| audit.secret_read(name));
        }
        Some(Arc::new(Self { service: open.open(NAME, set.timeout, set.max_concurrency), base, key }))
    }

    /// A record with its text cleaned.
    ///
    /// # Errors
    /// `record_not_found` and `dependency_unavailable`.
    pub async fn fetch(&self, context: &Context, id: &str) -> Result<Map<String, Value>, Fault> {
        let mut headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
        if let Some(key) = &self.key {
            let bearer = format!("Bearer {}", key.read());
            headers.insert(AUTHORIZATION, HeaderValue::from_str(&bearer).map_err(Fault::internal)?);
        }
        let mut target = self.base.clone();
        if let Ok(mut path) = target.path_segments_mut() {
            path.pop_if_empty().extend(["records", id]);
        }
        let answer = self.service.get(context, "GET /records/{id}", &target, &headers).await?;
        match answer.status {
            200 => {
                parse(&answer.body).ok_or_else(|| self.service.unavailable("the answer is no JSON object"))
            }
            404 => Err(RECORD_NOT_FOUND.into()),
            status => Err(self.service.unavailable(format!("status {status}"))),
        }
    }
}

/// Takes an answer for data: its text must not steer a terminal or a model.
fn parse(body: &[u8]) -> Option<Map<String, Value>> {
    match text::clean_tree(json::parse(body).ok()?) {
        Value::Object(record) => Some(record),
        _ => None,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::sync::mpsc::{Receiver, channel};
    use std::thread;

    use super::*;
    use crate::chassis::app::{App, Identity};
    use crate::chassis::fault::DEPENDENCY_UNAVAILABLE;
    use crate::chassis::settings::Reader;
    use crate::settings::Settings;

    /// A client of a service that answers all requests alike, and what the service hears.
    pub(crate) fn service(status: u16, body: &'static str) -> (Arc<Records>, Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/api", listener.local_addr().unwrap());
        let (give, heard) = channel();
        thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let mut request = [0; 4096];
                let size = stream.read(&mut request).unwrap_or_default();
                let _ = give.send(String::from_utf8_lossy(&request[..size]).into_owned());
                let answer =
                    format!("HTTP/1.1 {status} Told\r\nconnection: close\r\ncontent-length: {}", body.len());
                let _ = write!(stream, "{answer}\r\n\r\n{body}");
            }
        });
        let environment =
            [("MCP_API_BASE_URL", url.as_str()), ("MCP_API_KEY", "key"), ("MCP_RETRY_ATTEMPTS", "1")];
        let mut reader =
            Reader::new(environment.map(|(name, value)| (name.into(), value.into())).into_iter());
        let settings = Settings::read(&mut reader, "test", &[]);
        let identity = Identity { name: "test", version: "1.0.0", instructions: "" };
        let app = App::new(identity, settings.standard, Map::new());
        (Records::open(&settings.records, &app.services).unwrap(), heard)
    }

    #[tokio::test]
    async fn a_record_is_asked_for_with_the_key() {
        let (records, heard) = service(200, r#"{"name": "Zo\u00eb\u202e"}"#);
        let record = records.fetch(&Context::default(), "a b").await.unwrap();
        assert_eq!(record["name"], "Zoë");
        let request = heard.recv().unwrap();
        assert!(request.starts_with("GET /api/records/a%20b HTTP/1.1\r\n"), "{request}");
        assert!(request.contains("authorization: Bearer key\r\n"), "{request}");
    }

    #[tokio::test]
    async fn what_else_the_service_may_say() {
        for (status, body, code) in [
            (404, "", RECORD_NOT_FOUND),
            (200, "[]", DEPENDENCY_UNAVAILABLE),
            (302, "{}", DEPENDENCY_UNAVAILABLE),
            (500, "{}", DEPENDENCY_UNAVAILABLE),
        ] {
            let (records, _heard) = service(status, body);
            let fault = records.fetch(&Context::default(), "r-1").await.unwrap_err();
            assert_eq!(fault.code(), code, "{status} {body}");
        }
    }

    #[test]
    fn an_answer_is_data() {
        assert_eq!(parse(r#"{"name": "Zo\u00eb\u202e"}"#.as_bytes()).unwrap()["name"], "Zoë");
        for wrong in [&b"[]"[..], b"{", b"\xff", b"{\"a\": 1e400}"] {
            assert!(parse(wrong).is_none());
        }
    }
}
