//! What callers send: it is checked, and comes back nowhere.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::fixtures::{Headers, Issuer, LEGACY, Server};

/// What a caller sends, and nobody else may see.
const CANARY: &str = "canary-person-4711";

#[test]
fn what_a_caller_sends_comes_back_nowhere() {
    let server = Server::start(&[("MCP_DEBUG_MODE", "true")]);
    let replies = [
        server.call("echo", json!({ "text": [CANARY] })),
        server.call("echo", json!({ "text": CANARY.repeat(4) })),
        server.call(CANARY, json!({})),
        server.rpc("prompts/get", json!({ "name": CANARY })),
        server.rpc(CANARY, Value::Null),
        server.get(&format!("/{CANARY}")),
        server.call_with("echo", json!({ "text": "x" }), &[("host", CANARY)]),
    ];
    for reply in replies {
        assert!(!reply.text.contains(CANARY), "told again: {}", reply.text);
    }
    assert_eq!(server.call("echo", json!({ "text": CANARY })).output()["text"], CANARY);
    server.log().wait("audit.tool_called", &[("outcome", json!("success"))]);
    assert!(!server.log().text().contains(CANARY), "the log holds what a caller sent");
    assert!(!server.get("/metrics").text.contains(CANARY), "a metric holds what a caller sent");
}

#[test]
fn the_audit_tells_who_did_what() {
    let issuer = Issuer::new();
    let server = Server::start(&issuer.settings());
    let alice = server.bearing(issuer.mint("fixture:read", json!({})));
    let mut digests = BTreeSet::new();
    for (id, text) in [("one", CANARY), ("two", CANARY), ("three", "other")] {
        alice.call_with("echo", json!({ "text": text }), &[("x-request-id", id)]);
        let line = server.log().wait("audit.tool_called", &[("correlation_id", json!(id))]);
        assert_eq!((&line["subject"], &line["name"]), (&json!("alice"), &json!("echo")), "{line}");
        digests.insert(line["arguments_digest"].as_str().unwrap().to_owned());
    }
    assert_eq!(digests.len(), 2, "equal arguments have equal digests, others have others");
}

#[test]
fn schemas_are_closed_and_text_is_well_formed() {
    let server = Server::start(&[]);
    for key in ["__proto__", "constructor", "TEXT", "text "] {
        let reply = server.call("echo", json!({ "text": "x", key: 1 }));
        assert_eq!(reply.code(), "invalid_argument", "{key}: {}", reply.text);
    }
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"a\ud800"}}}"#;
    let old = server.speaking(LEGACY);
    let reply = old.send("POST", "/mcp", &old.headers("tools/call", "echo"), body);
    assert_eq!(reply.code(), "invalid_argument", "{}", reply.text);
    assert!(reply.text.contains("must be well-formed Unicode"), "{}", reply.text);
}

#[test]
fn probes_answer_any_host_and_nothing_else_does() {
    let server = Server::start(&[]);
    let host = Headers::from([("host".to_owned(), "evil.example".to_owned())]);
    for (path, status) in [("/live", 200), ("/health", 200), ("/nowhere", 403)] {
        assert_eq!(server.send("GET", path, &host, "").status, status, "{path}");
    }
}
