//! Whose tokens are taken, and for what.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::fixtures::{Algorithm, Issuer, Server};

const METADATA: &str = r#"resource_metadata="https://mcp.example/.well-known/oauth-protected-resource/mcp""#;

#[test]
fn forged_and_foreign_tokens_are_refused() {
    let issuer = Issuer::new();
    let server = Server::start(&issuer.settings());
    let now = crate::fixtures::now();
    let read = "fixture:read";
    let mint = |claims: Value| issuer.mint(read, claims);
    let good = mint(json!({}));
    let cases: Vec<(&str, String, u16)> = vec![
        ("RS256", good.clone(), 200),
        ("ES256", issuer.sign(Algorithm::Es256, "ES256", read, json!({})), 200),
        ("EdDSA", issuer.sign(Algorithm::EdDsa, "EdDSA", read, json!({})), 200),
        ("just expired", mint(json!({ "exp": now - 10 })), 200),
        ("scp", issuer.mint("", json!({ "scp": [read] })), 200),
        ("permissions", issuer.mint("", json!({ "permissions": "other\tfixture:read" })), 200),
        ("audiences", mint(json!({ "aud": ["other", "https://mcp.example/mcp"] })), 200),
        ("garbage", "garbage".to_owned(), 401),
        ("unsigned", "eyJhbGciOiJub25lIn0.e30.".to_owned(), 401),
        ("tampered", format!("{}AAAAAAAA", &good[..good.len() - 8]), 401),
        ("other key", Issuer::new().mint(read, json!({})), 401),
        ("other key's id", issuer.sign(Algorithm::Es256, "RS256", read, json!({})), 401),
        ("unknown id", issuer.sign(Algorithm::Rs256, "nobody", read, json!({})), 401),
        ("expired", mint(json!({ "exp": now - 60 })), 401),
        ("no expiry", mint(json!({ "exp": null })), 401),
        ("not yet", mint(json!({ "nbf": now + 60 })), 401),
        ("from tomorrow", mint(json!({ "iat": now + 86400 })), 401),
        ("other issuer", mint(json!({ "iss": "https://issuer.example" })), 401),
        ("other audience", mint(json!({ "aud": "https://other.example/mcp" })), 401),
        ("no subject", mint(json!({ "sub": null })), 401),
        ("empty subject", mint(json!({ "sub": "" })), 401),
        ("numbered", mint(json!({ "sub": 7 })), 401),
        ("no scope", issuer.mint("fixture:rea fixture:read2", json!({})), 403),
    ];
    for (name, token, status) in cases {
        let reply = server.bearing(&token).call("echo", json!({ "text": "x" }));
        assert_eq!(reply.status, status, "{name}: {}", reply.text);
        let challenge = match status {
            401 => format!(r#"Bearer error="invalid_token", scope="fixture:read fixture:write", {METADATA}"#),
            403 => format!(r#"Bearer error="insufficient_scope", scope="fixture:read", {METADATA}"#),
            _ => String::new(),
        };
        assert_eq!(reply.header("www-authenticate"), challenge, "{name}");
        assert!(!(reply.text + &server.log().text()).contains(&token), "{name}: the token is told");
    }
    let bare = server.call("echo", json!({ "text": "x" }));
    assert_eq!(bare.status, 401);
    assert!(!bare.header("www-authenticate").contains("error="), "{:?}", bare.headers);
    let metadata = server.get("/.well-known/oauth-protected-resource/mcp");
    assert!(metadata.text.contains(r#""resource":"https://mcp.example/mcp""#), "{}", metadata.text);
}

#[test]
fn each_tool_and_resource_needs_its_scope() {
    let issuer = Issuer::new();
    let server = Server::start(&issuer.settings());
    let scopes = ["config:read", "fixture:read", "fixture:write"];
    let listed = server.bearing(issuer.mint("fixture:read", json!({}))).rpc("tools/list", Value::Null);
    let tools: Vec<_> = listed.message["result"]["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert!(tools.contains(&"write"), "{tools:?}");
    for tool in tools {
        let own = if tool == "write" { "fixture:write" } else { "fixture:read" };
        for scope in scopes {
            let reply = server.bearing(issuer.mint(scope, json!({}))).call(tool, json!({}));
            assert_eq!(reply.status == 200, scope == own, "{tool} with {scope}: {}", reply.status);
        }
    }
    let writer = server.bearing(issuer.mint("fixture:write", json!({})));
    assert_eq!(writer.rpc("resources/read", json!({ "uri": "fixture://document" })).status, 403);
    let reader = server.bearing(issuer.mint("fixture:read", json!({})));
    let disguised = reader.call_with("write", json!({}), &[("mcp-name", "echo")]);
    assert!([400, 403].contains(&disguised.status), "a header decides: {}", disguised.text);
}

/// A key set on http, how often it was asked for, and whether it is broken.
fn keys(issuer: &Issuer) -> (String, Arc<AtomicU32>, Arc<AtomicBool>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    let (asked, is_broken) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
    let (count, broken, set) = (asked.clone(), is_broken.clone(), issuer.key_set().to_string());
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _ = stream.read(&mut [0; 4096]);
            count.fetch_add(1, Ordering::SeqCst);
            let status = if broken.load(Ordering::SeqCst) { "500 Broken" } else { "200 OK" };
            let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close");
            let _ = write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n{set}", set.len());
        }
    });
    (url, asked, is_broken)
}

#[test]
fn keys_are_fetched_when_needed_and_not_more_often() {
    let issuer = Issuer::new();
    let (url, asked, is_broken) = keys(&issuer);
    let mut settings = issuer.settings();
    settings.retain(|(name, _)| *name != "MCP_AUTH_JWKS_FILE");
    settings.push(("MCP_AUTH_JWKS_URL", &url));
    let token = issuer.mint("fixture:read", json!({}));

    let server = Server::start(&settings);
    for _ in 0..3 {
        assert_eq!(server.bearing(&token).call("echo", json!({ "text": "x" })).status, 200);
    }
    let unknown = issuer.sign(Algorithm::Rs256, "nobody", "fixture:read", json!({}));
    for _ in 0..3 {
        assert_eq!(server.bearing(&unknown).call("echo", json!({ "text": "x" })).status, 401);
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);

    is_broken.store(true, Ordering::SeqCst);
    let away = Server::start(&settings);
    for _ in 0..2 {
        let reply = away.bearing(&token).call("echo", json!({ "text": "x" }));
        assert_eq!((reply.status, reply.code().as_str()), (503, "dependency_unavailable"), "{}", reply.text);
        assert!(!reply.header("retry-after").is_empty());
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2, "a failed fetch is repeated at once");
    let health = away.get("/health").text;
    assert!(health.contains(r#""auth":"degraded""#), "{health}");
}
