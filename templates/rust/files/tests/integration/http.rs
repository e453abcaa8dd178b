//! Calls, lists, reads and refusals over HTTP, in both protocols.

use serde_json::{Value, json};

use crate::fixtures::{Client, Headers, LEGACY, MODERN, SECRET, Server, eventually};

fn in_both(server: &Server, test: impl Fn(&Client)) {
    for era in [MODERN, LEGACY] {
        test(&server.speaking(era));
    }
}

#[test]
fn calls_end_as_they_are_documented_to() {
    let server = Server::start(&[]);
    let cases = [
        ("echo", json!({ "text": "Zoë" }), ""),
        ("echo", json!({ "text": "" }), "invalid_argument"),
        ("crash", json!({}), "internal"),
        ("fail", json!({}), "internal"),
        ("refuse", json!({}), "not_today"),
        ("slow", json!({}), ""),
        ("old", json!({}), ""),
    ];
    in_both(&server, |client| {
        for (tool, arguments, code) in &cases {
            let reply = client.call(tool, arguments.clone());
            assert_eq!((reply.status, reply.code().as_str()), (200, *code), "{tool}: {}", reply.text);
            assert!(!reply.text.contains(SECRET), "{tool} tells: {}", reply.text);
        }
    });
    let crashed = server.log().wait("tool.crashed", &[("tool_name", json!("crash"))]);
    assert!(crashed.get("exception").is_none(), "without debug mode: {crashed}");
    server.log().wait("contract.deprecated_used", &[("contract", json!("old"))]);
    assert!(!server.log().text().contains(SECRET), "the log tells");
    let metrics = server.get("/metrics").text;
    for (name, labels, value) in [
        ("mcp_tool_calls_total", vec!["outcome=\"success\"", "tool=\"echo\""], "2"),
        ("mcp_tool_calls_total", vec!["outcome=\"server_error\"", "tool=\"crash\""], "2"),
        ("mcp_tool_calls_total", vec!["outcome=\"business_error\"", "tool=\"refuse\""], "2"),
        ("mcp_deprecated_contract_uses_total", vec!["contract=\"old\""], "2"),
        ("mcp_tool_calls_in_flight", vec![], "0"),
    ] {
        let is_meant = |line: &&str| {
            line.starts_with(name)
                && labels.iter().all(|label| line.contains(label))
                && line.ends_with(&format!(" {value}"))
        };
        assert!(metrics.lines().any(|line| is_meant(&line)), "no {name} {labels:?} {value} in {metrics}");
    }
    assert!(metrics.contains("# TYPE mcp_dependency_duration_seconds histogram"), "{metrics}");
}

#[test]
fn debug_mode_adds_what_happened_to_the_log_only() {
    let server = Server::start(&[("MCP_DEBUG_MODE", "true")]);
    let reply = server.call("crash", json!({}));
    assert_eq!(reply.code(), "internal");
    assert!(!reply.text.contains(SECRET), "{}", reply.text);
    let crashed = server.log().wait("tool.crashed", &[]);
    assert!(crashed["exception"].as_str().is_some_and(|text| text.contains(SECRET)), "{crashed}");
}

#[test]
fn lists_name_what_is_offered() {
    let server = Server::start(&[("MCP_TOOLS_DISABLED", "echo")]);
    in_both(&server, |client| {
        for (method, key, names) in [
            ("tools/list", "tools", vec!["crash", "fail", "refuse", "slow", "wait", "old"]),
            ("resources/list", "resources", vec!["document"]),
            ("resources/templates/list", "resourceTemplates", vec!["item"]),
            ("prompts/list", "prompts", vec!["ask"]),
        ] {
            let reply = client.rpc(method, Value::Null);
            let list = reply.message["result"][key].as_array().cloned().unwrap_or_default();
            let listed: Vec<_> = list.iter().map(|entry| entry["name"].as_str().unwrap()).collect();
            assert_eq!(listed, names, "{method}: {}", reply.text);
        }
    });
}

#[test]
fn resources_and_prompts_are_read() {
    let server = Server::start(&[]);
    in_both(&server, |client| {
        let document = client.rpc("resources/read", json!({ "uri": "fixture://document" }));
        assert!(document.text.contains(r#"\"subject\":\"anonymous\""#), "{}", document.text);
        for uri in ["fixture://nowhere", "fixture://items/none"] {
            let reply = client.rpc("resources/read", json!({ "uri": uri }));
            assert_eq!(
                (reply.rpc_code(), reply.rpc_message()),
                (-32602, "Resource not found"),
                "{}",
                reply.text
            );
        }
        let crashed = client.rpc("resources/read", json!({ "uri": "fixture://items/crash" }));
        assert_eq!(crashed.rpc_code(), -32603, "{}", crashed.text);
        assert!(!crashed.text.contains(SECRET), "{}", crashed.text);

        let asked = client.rpc("prompts/get", json!({ "name": "ask", "arguments": { "topic": "Rust" } }));
        assert!(asked.text.contains("Tell me about Rust"), "{}", asked.text);
        for (params, message) in [
            (json!({ "name": "nobody" }), "Unknown prompt"),
            (json!({ "name": "ask" }), "Missing argument: topic"),
        ] {
            assert_eq!(client.rpc("prompts/get", params).rpc_message(), message);
        }
    });
    server.log().wait("audit.prompt_read", &[("name", json!("ask")), ("outcome", json!("success"))]);
    server
        .log()
        .wait("audit.resource_read", &[("name", json!("item")), ("outcome", json!("business_error"))]);
}

#[test]
fn progress_makes_a_stream() {
    let server = Server::start(&[]);
    in_both(&server, |client| {
        let asked = json!({ "name": "slow", "arguments": {}, "_meta": { "progressToken": "mine" } });
        let reply = client.rpc("tools/call", asked);
        let tokens: Vec<_> =
            reply.notifications.iter().map(|each| &each["params"]["progressToken"]).collect();
        assert_eq!(tokens, [&json!("mine")], "{}", reply.text);
        let plain = client.call("slow", json!({}));
        assert_eq!(plain.header("content-type"), "application/json", "{}", plain.text);
    });
}

/// A name, the header and the body that are wrong; the status, the code and its name that answer them.
type Refusal = (&'static str, (&'static str, &'static str), String, u16, i64, &'static str);

#[test]
fn refusals_say_what_is_wrong_and_are_written_down() {
    let server =
        Server::start(&[("MCP_MAX_BODY_BYTES", "2000"), ("MCP_ALLOWED_ORIGINS", "https://app.example")]);
    let call =
        |params: &str| format!(r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{params}}}"#);
    let cases: [Refusal; 14] = [
        ("host", ("host", "evil.example"), "{}".into(), 403, 403, "forbidden"),
        ("origin", ("origin", "https://evil.example"), "{}".into(), 403, 403, "forbidden"),
        ("accept", ("accept", "application/json"), "{}".into(), 406, 406, "not_acceptable"),
        ("excluded", ("accept", "*/*, text/event-stream;q=0"), "{}".into(), 406, 406, "not_acceptable"),
        ("media-type", ("content-type", "text/plain"), "{}".into(), 415, 415, "unsupported_media_type"),
        ("size", ("x-nothing", ""), " ".repeat(3000), 413, 413, "too_large"),
        ("json", ("x-nothing", ""), "{".into(), 400, -32700, "invalid_request"),
        ("batch", ("x-nothing", ""), "[]".into(), 400, -32600, "invalid_request"),
        (
            "response",
            ("x-nothing", ""),
            r#"{"jsonrpc":"2.0","id":7,"result":{}}"#.into(),
            400,
            -32600,
            "invalid_request",
        ),
        ("params", ("x-nothing", ""), call("[]"), 400, -32602, "invalid_request"),
        ("name", ("x-nothing", ""), call(r#"{"name":7}"#), 400, -32602, "invalid_request"),
        (
            "arguments",
            ("x-nothing", ""),
            call(r#"{"name":"echo","arguments":"x"}"#),
            400,
            -32602,
            "invalid_request",
        ),
        ("meta", ("x-nothing", ""), call(r#"{"name":"echo","_meta":7}"#), 400, -32602, "invalid_request"),
        (
            "token",
            ("x-nothing", ""),
            call(r#"{"name":"echo","_meta":{"progressToken":1.5}}"#),
            400,
            -32602,
            "invalid_request",
        ),
    ];
    in_both(&server, |client| {
        for (name, (header, value), body, status, code, data) in &cases {
            let id = format!("{}-{name}", client.era);
            let mut headers = client.headers("tools/call", "echo");
            headers.insert((*header).to_owned(), (*value).to_owned());
            headers.insert("x-request-id".to_owned(), id.clone());
            let reply = client.send("POST", "/mcp", &headers, body);
            assert_eq!(
                (reply.status, reply.rpc_code(), reply.code().as_str()),
                (*status, *code, *data),
                "{name}: {}",
                reply.text
            );
            assert_eq!(reply.message["error"]["data"]["correlation_id"], id, "{name}: {}", reply.text);
            server.log().wait("audit.denied", &[("correlation_id", json!(id)), ("outcome", json!(data))]);
        }
        let ill = client.send("POST", "/mcp", &client.headers("tools/call", "echo"), b"\"\xff\"");
        assert_eq!((ill.status, ill.rpc_code()), (400, -32700), "{}", ill.text);
    });
}

#[test]
fn paths() {
    let server = Server::start(&[]);
    for (path, status) in [
        ("/live", 200),
        ("/health", 200),
        ("/metrics", 200),
        ("/mcp", 405),
        ("/mcp/", 405),
        ("/nowhere", 404),
        ("//mcp", 404),
        ("/.well-known/oauth-protected-resource/mcp", 404),
    ] {
        assert_eq!(server.get(path).status, status, "{path}");
    }
    eventually("it is ready", || server.get("/ready").status == 200);
    assert_eq!(server.send("POST", "/live", &Headers::new(), "").status, 405);
    let listed = server.send(
        "POST",
        "/mcp/",
        &server.headers("tools/list", ""),
        server.body("tools/list", Value::Null),
    );
    assert!(listed.message["result"].is_object(), "{}", listed.text);
    let origin = Headers::from([("origin".to_owned(), "http://localhost:5173".to_owned())]);
    let preflight = server.send("OPTIONS", "/mcp", &origin, "");
    assert_eq!(
        (preflight.status, preflight.header("access-control-allow-origin")),
        (204, "http://localhost:5173")
    );
    let health = server.get("/health").text;
    assert!(health.contains(r#""state":"healthy""#) && !health.contains("auth"), "{health}");
}

#[test]
fn what_is_not_known() {
    let server = Server::start(&[]);
    for (era, status) in [(MODERN, 404), (LEGACY, 200)] {
        let client = server.speaking(era);
        let burn = client.rpc("tools/burn", Value::Null);
        assert_eq!((burn.status, burn.rpc_code()), (status, -32601), "{}", burn.text);
        assert!(!burn.text.contains("burn"), "{}", burn.text);
        assert_eq!(client.call("nobody", json!({})).rpc_message(), "Unknown tool");
    }
    let handshake = server.rpc("initialize", Value::Null);
    assert_eq!(
        (handshake.status, handshake.rpc_code()),
        (404, -32601),
        "this protocol has none: {}",
        handshake.text
    );
    let notification = r#"{"jsonrpc":"2.0","method":"notifications/whatever"}"#;
    let taken = server.send("POST", "/mcp", &server.headers("notifications/whatever", ""), notification);
    assert_eq!((taken.status, taken.text.as_str()), (202, ""));
    let ancient = server.speaking("2001-01-01").rpc("tools/list", Value::Null);
    assert_eq!(ancient.status, 400);
    assert!(ancient.message["error"].is_object(), "a refusal is a JSON-RPC error: {}", ancient.text);
}
