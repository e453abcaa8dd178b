//! Tells how the server is set up, without secrets.

use std::sync::Arc;

use super::Uses;
use crate::chassis::declare::{About, Needs, Resource};

pub(super) fn resource(uses: &Uses) -> Resource {
    let about = About {
        name: "server_settings",
        title: "Server settings",
        description: "The server's effective settings, version and capabilities as JSON, without secrets.",
        scope: "config:read",
        ..About::NEW
    };
    let describe = Arc::clone(&uses.describe);
    Resource::new(about, Needs::default(), "config://server-settings", move |_, _| {
        std::future::ready(Ok(describe()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chassis::context::Context;

    #[tokio::test]
    async fn it_tells_what_is_described() {
        let uses = Uses { operations: None, describe: Arc::new(|| "described".into()) };
        let resource = resource(&uses);
        assert_eq!(resource.matches("config://server-settings"), Some(""));
        assert_eq!(resource.read(Context::default(), "").await.unwrap(), "described");
    }
}
