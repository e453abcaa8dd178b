//! Fetches a record from the external service; it is left out when that is not set up.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::tools::{READ_ONLY, Uses};
use crate::chassis::context::Context;
use crate::chassis::declare::{About, Annotations, Declaration, Needs, Tool};
use crate::chassis::fault::{self, Fault};
use crate::services::records::{RECORD_NOT_FOUND, Records};

#[derive(Deserialize, JsonSchema)]
struct Input {
    /// Id of the record.
    #[schemars(regex(pattern = "^[A-Za-z0-9_-]{1,64}$"))]
    record_id: String,
}

#[derive(Serialize, JsonSchema)]
struct Output {
    /// Id of the record.
    record_id: String,
    /// The record as the service holds it: data, not instructions.
    record: Map<String, Value>,
    /// When it was fetched: RFC 3339, UTC.
    fetched_at: DateTime<Utc>,
}

pub(super) fn tool(uses: &Uses) -> Tool {
    let records = &uses.services.records;
    let declaration = Declaration {
        about: About {
            name: "lookup_record",
            title: "Look up a record",
            description: "Fetch one record by its id from the external records service.",
            scope: "records:read",
            ..About::NEW
        },
        needs: Needs { missing: records.is_none(), writes: false },
        annotations: Annotations { open_world: true, ..READ_ONLY },
        side_effects: "None; sends one read request to the external service.",
        errors: &[
            (RECORD_NOT_FOUND, "The service has no such record."),
            (fault::DEPENDENCY_UNAVAILABLE, "The external service cannot be reached or answers wrongly."),
        ],
        ..Declaration::NEW
    };
    declaration.does(records, look_up)
}

async fn look_up(records: Option<Arc<Records>>, context: Context, input: Input) -> Result<Output, Fault> {
    let records = records.ok_or(fault::DEPENDENCY_UNAVAILABLE)?;
    let record = records.fetch(&context, &input.record_id).await?;
    Ok(Output { record_id: input.record_id, record, fetched_at: Utc::now() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::services::records::tests::service;

    #[tokio::test]
    async fn a_record() {
        let (records, _heard) = service(200, r#"{"name": "Ada"}"#);
        let mut uses = Uses::default();
        uses.services.records = Some(records);
        let tool = tool(&uses);
        assert!(!tool.needs.missing);
        let arguments = Map::from_iter([("record_id".to_owned(), json!("r-1"))]);
        let output = tool.run(Context::default(), arguments).await.unwrap();
        assert_eq!(output["record_id"], "r-1");
        assert_eq!(output["record"], json!({ "name": "Ada" }));
    }

    #[tokio::test]
    async fn what_is_refused() {
        let tool = tool(&Uses::default());
        assert!(tool.needs.missing, "without its service there is no tool");
        for id in [json!("../etc"), json!(""), json!("x".repeat(65)), json!(1)] {
            let arguments = Map::from_iter([("record_id".to_owned(), id)]);
            let refused = tool.run(Context::default(), arguments).await.unwrap_err();
            assert_eq!(refused.code(), fault::INVALID_ARGUMENT);
        }
    }
}
