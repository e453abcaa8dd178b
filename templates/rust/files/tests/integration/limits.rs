//! How much is taken on at once, and how much of it by one caller.

use std::thread;

use serde_json::{Value, json};

use crate::fixtures::Server;

#[test]
fn what_finds_no_place_is_refused() {
    let server = Server::start(&[
        ("MCP_MAX_CONCURRENCY", "1"),
        ("MCP_MAX_QUEUE", "1"),
        ("MCP_TOOL_TIMEOUT_SECONDS", "5"),
        ("MCP_MAX_RESULT_BYTES", "400"),
    ]);
    thread::scope(|scope| {
        let runs = scope.spawn(|| server.call("slow", json!({ "pause": 10_000 })));
        server.shows("mcp_tool_calls_in_flight 1");
        let waits = scope.spawn(|| server.call("echo", json!({ "text": "x" })));
        server.shows("mcp_tool_calls_queued 1");
        let full = server.call("echo", json!({ "text": "x" }));
        assert_eq!((full.status, full.code().as_str(), full.header("retry-after")), (503, "overloaded", "1"));
        assert_eq!(runs.join().unwrap().code(), "timeout");
        let waited = waits.join().unwrap().code();
        assert!(["", "timeout"].contains(&waited.as_str()), "{waited}");
    });
    let long = server.call("echo", json!({ "text": "x", "times": 1000 }));
    assert_eq!(long.code(), "result_too_large", "{}", long.text);
}

#[test]
fn whoever_waits_holds_no_place() {
    let server = Server::start(&[("MCP_MAX_CONCURRENCY", "1")]);
    thread::scope(|scope| {
        let waits = scope.spawn(|| server.call("wait", json!({ "pause": 4000 })));
        server.shows("mcp_tool_calls_in_flight 1");
        assert_eq!(server.call("echo", json!({ "text": "x" })).code(), "");
        let second = server.call("wait", json!({ "pause": 4000 }));
        assert_eq!(
            second.output()["done"],
            false,
            "a caller may wait as often as it may run: {}",
            second.text
        );
        assert_eq!(waits.join().unwrap().output()["done"], true);
    });
}

#[test]
fn each_caller_has_its_own_rate() {
    let server = Server::start(&[
        ("MCP_RATE_LIMIT_PER_MINUTE", "1"),
        ("MCP_RATE_LIMIT_BURST", "1"),
        ("MCP_TRUSTED_PROXIES", "127.0.0.1"),
    ]);
    for (from, status) in [
        ("203.0.113.7", 200),
        ("[::ffff:203.0.113.7]:80", 429),
        ("2001:db8::1", 200),
        ("2001:db8::2", 429),
        ("", 200),
        ("203.0.113.7, garbage", 429),
    ] {
        let reply = server.call_with("echo", json!({ "text": "x" }), &[("x-forwarded-for", from)]);
        assert_eq!(reply.status, status, "{from:?}: {}", reply.text);
    }
    assert_eq!(server.rpc("tools/list", Value::Null).status, 200, "discovery stays open");
}
