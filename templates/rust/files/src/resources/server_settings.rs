//! Tells how the server is set up, without secrets.

use serde_json::Value;

use super::Uses;
use crate::chassis::app::Describe;
use crate::chassis::context::Context;
use crate::chassis::declare::{About, Needs, Resource};
use crate::chassis::fault::Fault;

pub(super) fn resource(uses: &Uses) -> Resource {
    let about = About {
        name: "server_settings",
        title: "Server settings",
        description: "The server's effective settings, version and capabilities as JSON, without secrets.",
        scope: "config:read",
        ..About::NEW
    };
    Resource::new(about, Needs::default(), "config://server-settings", &uses.describe, read)
}

async fn read(describe: Describe, _: Context, _: String) -> Result<Value, Fault> {
    Ok(describe())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn it_tells_what_is_described() {
        let uses = Uses { operations: None, describe: Arc::new(|| "described".into()) };
        let resource = resource(&uses);
        assert_eq!(resource.matches("config://server-settings"), Some(""));
        assert_eq!(resource.read(Context::default(), "").await.unwrap(), "described");
    }
}
