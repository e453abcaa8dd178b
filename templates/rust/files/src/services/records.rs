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
    match text::clean_tree(json::well_formed_tree(json::parse(body).ok()?)) {
        Value::Object(record) => Some(record),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_data() {
        assert_eq!(parse(r#"{"name": "Zo\u00eb\u202e"}"#.as_bytes()).unwrap()["name"], "Zoë");
        for wrong in [&b"[]"[..], b"{", b"\xff", b"{\"a\": 1e400}"] {
            assert!(parse(wrong).is_none());
        }
    }
}
