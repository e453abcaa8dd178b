//! The end of a server on http.
#![cfg(unix)]

use std::thread;

use serde_json::json;

use crate::fixtures::{Server, eventually};

#[test]
fn what_runs_is_finished_and_it_serves_on_for_the_delay() {
    let mut server = Server::start(&[("MCP_SHUTDOWN_DELAY_SECONDS", "3")]);
    let client = server.client();
    let runs = thread::spawn(move || client.call("slow", json!({ "pause": 4500 })));
    server.shows("mcp_tool_calls_in_flight 1");
    server.process.signal("TERM");
    eventually("it is not ready", || server.get("/ready").text.contains("stopping"));
    assert_eq!(server.call("echo", json!({ "text": "x" })).code(), "", "it serves on for the delay");
    let finished = runs.join().unwrap();
    assert_eq!(finished.code(), "", "{}", finished.text);
    assert!(server.process.ended().success());
    server.log().wait("server.stopped", &[]);
}
