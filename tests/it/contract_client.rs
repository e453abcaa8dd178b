//! Servers as they are in the wild: on standard streams, over HTTP and over TLS, well-behaved or not.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use crate::harness::{Run, Sandbox, skip};

const JSON: &str = "application/json";

/// What a request said.
struct Request {
    head: String,
    method: String,
    id: Value,
}

enum Answer {
    /// Status with further headers, type and body.
    Reply(String, &'static str, String),
    Silence,
}

fn reply(status: &str, kind: &'static str, body: &(impl ToString + ?Sized)) -> Answer {
    Answer::Reply(status.to_owned(), kind, body.to_string())
}

fn success(request: &Request, result: &Value) -> Answer {
    reply("200 OK", JSON, &json!({"jsonrpc": "2.0", "id": request.id, "result": result}))
}

fn tool() -> Value {
    json!({"name": "search", "inputSchema": {"type": "object"}})
}

/// A server of the era with a handshake, that offers tools only.
fn legacy(request: &Request) -> Answer {
    match request.method.as_str() {
        "initialize" => success(
            request,
            &json!({"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "1"}}),
        ),
        "notifications/initialized" => reply("202 Accepted", JSON, ""),
        "tools/list" => {
            assert!(request.head.contains("mcp-protocol-version: 2025-06-18"), "{}", request.head);
            success(request, &json!({"tools": [tool()]}))
        }
        _ => reply(
            "200 OK",
            JSON,
            &json!({"jsonrpc": "2.0", "id": request.id, "error": {"code": -32601, "message": "Method not found"}}),
        ),
    }
}

/// Serves on a free port until the test ends; the port.
fn serve(tls: Option<Arc<ServerConfig>>, answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let (tls, answer) = (tls.clone(), Arc::clone(&answer));
            std::thread::spawn(move || match tls {
                None => talk(stream, answer.as_ref()),
                Some(config) => {
                    talk(StreamOwned::new(ServerConnection::new(config).unwrap(), stream), answer.as_ref());
                }
            });
        }
    });
    port
}

/// One request and its answer; none when the client does not get that far.
fn talk(stream: impl Read + Write, answer: &dyn Fn(&Request) -> Answer) {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if !matches!(stream.read_line(&mut head), Ok(1..)) {
            return;
        }
    }
    let head = head.to_lowercase();
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    let method = message["method"].as_str().unwrap_or_default().to_owned();
    let request = Request { head, method, id: message["id"].clone() };
    let Answer::Reply(status, kind, body) = answer(&request) else {
        return std::thread::park();
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close",
        body.len()
    );
    let stream = stream.get_mut();
    let _ = stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).and_then(|()| stream.flush());
}

fn export<'a>(sandbox: &'a Sandbox, arguments: impl IntoIterator<Item = &'a str>) -> Run {
    sandbox.mcp(["contract", "export", "--timeout", "20"]).args(arguments)
}

#[test]
fn a_tools_only_server_is_asked_for_tools_only() {
    let Some(python) = python() else { return };
    for mood in [
        "other lists are internal errors",
        "other lists are empty",
        "other lists are silence",
        "banner",
        "ping",
        "mute",
        "exits",
    ] {
        let sandbox = Sandbox::new();
        let command = python(&sandbox, &json!({"tools": [tool()]}), mood);
        let printed = export(&sandbox, ["--cmd", &command]).ok().json();
        assert_eq!(printed.as_object().unwrap().keys().collect::<Vec<_>>(), ["tools/search.json"], "{mood}");
    }
}

#[test]
fn every_page_is_read_and_none_twice() {
    let Some(python) = python() else { return };
    let sandbox = Sandbox::new();
    let tools: Vec<Value> = (0..3).map(|n| json!({"name": format!("t{n}"), "inputSchema": {}})).collect();
    let command = python(&sandbox, &json!({"tools": tools}), "pages");
    assert_eq!(export(&sandbox, ["--cmd", &command]).ok().json().as_object().unwrap().len(), 3);
    let command = python(&sandbox, &json!({"tools": tools}), "loop");
    export(&sandbox, ["--cmd", &command]).fails("server", "the same page of tools/list again and again");
}

#[test]
fn what_is_no_message_is_told_at_once() {
    let Some(python) = python() else { return };
    for (mood, says) in [("noise", "what do you want?"), ("broken", "\"result\"")] {
        let sandbox = Sandbox::new();
        let command = python(&sandbox, &json!({"tools": []}), mood);
        // Far less than the limit, which would end the test.
        let run = sandbox.mcp(["contract", "export", "--cmd", &command, "--timeout", "3600"]);
        let run = run.fails("server", says);
        assert!(run.stderr.contains("standard output"), "{}", run.stderr);
    }
    let sandbox = Sandbox::new();
    for (kind, body, says) in [
        ("text/html", "<p>Welcome", "answered with text/html, which is no message of MCP: <p>Welcome"),
        (JSON, "{\"jsonrpc\": ", "answered with application/json, which is no message"),
        ("text/event-stream", "data: hello\n\n", "answered with text/event-stream, which is no message"),
        ("text/event-stream", ": nothing\n\n", "ended its stream of events before it answered"),
        (JSON, "{}", "neither a result nor an error"),
    ] {
        let port = serve(None, move |_| reply("200 OK", kind, body));
        export(&sandbox, ["--url", &format!("http://127.0.0.1:{port}/mcp")]).fails("server", says);
    }
}

#[test]
fn whatever_the_probe_of_the_new_era_meets_the_old_one_is_tried() {
    let sandbox = Sandbox::new();
    let probes: [fn(&Request) -> Answer; 6] = [
        |_| reply("500 Internal Server Error", "text/plain", "oops"),
        |_| reply("400 Bad Request", "text/plain", "Bad Request: No valid session ID provided"),
        |_| reply("404 Not Found", "text/html", "nothing here"),
        |_| reply("200 OK", "text/html", "hello"),
        |request| success(request, &json!({"capabilities": {}})),
        |_| Answer::Silence,
    ];
    for (number, probe) in probes.into_iter().enumerate() {
        let port =
            serve(
                None,
                move |request| {
                    if request.method == "server/discover" { probe(request) } else { legacy(request) }
                },
            );
        let run = export(&sandbox, ["--url", &format!("http://127.0.0.1:{port}/mcp")]).ok();
        assert!(run.json().get("tools/search.json").is_some(), "{number}");
    }
}

#[test]
fn a_server_of_the_new_era_may_be_slow_to_start() {
    let sandbox = Sandbox::new();
    let asked = AtomicUsize::new(0);
    let port = serve(None, move |request| match request.method.as_str() {
        "server/discover" if asked.fetch_add(1, Ordering::SeqCst) == 0 => Answer::Silence,
        "server/discover" => {
            success(request, &json!({"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}}))
        }
        "tools/list" => success(request, &json!({"tools": [tool()]})),
        _ => reply(
            "400 Bad Request",
            JSON,
            &json!({"jsonrpc": "2.0", "id": request.id, "error": {"code": -32022, "message": "no"}}),
        ),
    });
    let run = export(&sandbox, ["--url", &format!("http://127.0.0.1:{port}/mcp")]).ok();
    assert!(run.json().get("tools/search.json").is_some());
}

#[test]
fn a_server_of_the_new_era_is_not_greeted() {
    let sandbox = Sandbox::new();
    let port = serve(None, |request| {
        assert!(request.head.contains("mcp-protocol-version: 2026-07-28"), "{}", request.head);
        assert!(request.head.contains(&format!("mcp-method: {}", request.method)), "{}", request.head);
        match request.method.as_str() {
            "server/discover" => {
                success(request, &json!({"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}}))
            }
            "tools/list" => {
                let message =
                    json!({"jsonrpc": "2.0", "id": request.id, "result": {"tools": [tool()]}}).to_string();
                let other = json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {}});
                // In lines as a stream may break them.
                let (start, end) = message.split_at(message.find(',').unwrap());
                reply(
                    "200 OK",
                    "text/event-stream",
                    &format!(
                        "event: message\r\ndata: {other}\r\n\r\n: ping\n\ndata:{start}\ndata: {end}\n\n"
                    ),
                )
            }
            _ => Answer::Silence,
        }
    });
    let run = export(&sandbox, ["--url", &format!("http://127.0.0.1:{port}/mcp")]).ok();
    assert!(run.json().get("tools/search.json").is_some());
}

#[test]
fn what_went_wrong_is_told_in_words() {
    let sandbox = Sandbox::new();
    let url = |port: u16| format!("http://me:secret@127.0.0.1:{port}/mcp?key=secret");
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let told = |url: &str, says: &str| {
        let run = export(&sandbox, ["--url", url]).fails("server", says);
        for dump in ["Some(", "Error {", "secret", "error sending request"] {
            assert!(!run.stderr.contains(dump), "{}", run.stderr);
        }
    };
    told(&url(free), "the connection is refused: does the server run?");
    told("http://no-such-host.invalid/mcp", "cannot be reached: failed to lookup address");
    let answers = |status: &'static str| url(serve(None, move |_| reply(status, "text/plain", "no")));
    told(&answers("404 Not Found"), "answered 404 Not Found is this the address of its MCP endpoint?");
    told(&answers("401 Unauthorized"), "answered 401 Unauthorized it asks for a token: --bearer-file FILE");
    told(&answers("403 Forbidden"), "the token or its scopes do not suffice");
    told(&answers("503 Service Unavailable"), "answered 503 Service Unavailable");
    told(
        &answers("307 Temporary Redirect\r\nLocation: https://example.com/mcp"),
        "it redirects to https://example.com/mcp",
    );
    let plain = serve(None, |_| Answer::Silence);
    told(&format!("https://127.0.0.1:{plain}/mcp"), "it broke off the TLS handshake: does it speak https?");
    let port = serve(None, |request| match request.method.as_str() {
        "tools/list" => reply(
            "200 OK",
            JSON,
            &json!({"jsonrpc": "2.0", "id": request.id, "error": {"code": -32603, "message": "no database"}}),
        ),
        _ => legacy(request),
    });
    told(&url(port), "the server refused tools/list: no database (-32603)");
    let port = serve(None, |request| match request.method.as_str() {
        "tools/list" => success(request, &json!({"tools": 5})),
        _ => legacy(request),
    });
    told(&url(port), "the server's answer to tools/list has no list tools");
    for wrong in ["nowhere", "ftp://127.0.0.1/"] {
        let run = export(&sandbox, ["--url", wrong]).exits(2);
        assert!(!run.stderr.contains("error sending"), "{}", run.stderr);
    }
}

#[test]
fn a_token_is_shown_and_a_loopback_address_needs_no_proxy() {
    let sandbox = Sandbox::new();
    let port = serve(None, |request| {
        if request.head.contains("authorization: bearer t0ken\r\n") {
            legacy(request)
        } else {
            reply("401 Unauthorized", JSON, "{}")
        }
    });
    sandbox.write("token", "t0ken\n");
    let urls = [format!("http://127.0.0.1:{port}/mcp"), format!("http://localhost:{port}/mcp")];
    for url in &urls {
        let run = export(&sandbox, ["--url", url, "--bearer-file", "token"]);
        run.env("HTTP_PROXY", "http://127.0.0.1:9")
            .env("http_proxy", "http://127.0.0.1:9")
            .env("ALL_PROXY", "http://127.0.0.1:9")
            .ok();
    }
    sandbox.mcp(["contract", "diff", &urls[0], &urls[1], "--bearer-file", "token"]).ok();
    for empty in ["", " \n", "two words"] {
        sandbox.write("token", empty);
        export(&sandbox, ["--url", &urls[0], "--bearer-file", "token"]).fails("usage", "holds no token");
    }
    export(&sandbox, ["--url", &urls[0], "--bearer-file", "absent"]).fails("io", "cannot read absent");
}

#[test]
fn a_server_with_a_certificate_is_trusted_as_the_platform_trusts_it() {
    let authority = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::default();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root = parameters.self_signed(&authority).unwrap();
    let issuer = rcgen::Issuer::new(parameters, authority);
    let key = rcgen::KeyPair::generate().unwrap();
    let names = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    let certificate = names.signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key);
    let port = serve(Some(Arc::new(config.unwrap())), legacy);
    let sandbox = Sandbox::new();
    let trusted = sandbox.write("ca.pem", root.pem());
    let url = format!("https://localhost:{port}/mcp");
    let run = export(&sandbox, ["--url", &url]).env("SSL_CERT_FILE", &trusted).ok();
    assert!(run.json().get("tools/search.json").is_some());
    export(&sandbox, ["--url", &url])
        .fails("server", "cannot be reached: invalid peer certificate: UnknownIssuer");
    let other = format!("https://127.0.0.1:{port}/mcp");
    export(&sandbox, ["--url", &other])
        .env("SSL_CERT_FILE", &trusted)
        .fails("server", "certificate not valid for name");
}

#[test]
fn what_export_prints_is_read_by_diff() {
    let Some(python) = python() else { return };
    let sandbox = Sandbox::new();
    let ask = json!({"name": "ask"});
    let command = python(&sandbox, &json!({"tools": [tool()]}), "");
    let printed = export(&sandbox, ["--cmd", &command]).ok().stdout;
    let mut both: Value = serde_json::from_str(&printed).unwrap();
    sandbox.write("old.json", &printed);
    sandbox.mcp(["contract", "diff", "old.json", &format!("cmd:{command}")]).ok();
    both["prompts/ask.json"] = ask;
    sandbox.write("new.json", both.to_string());
    let run = sandbox.mcp(["contract", "diff", "new.json", "old.json", "--format", "json"]).exits(1);
    assert_eq!(run.json()["changes"][0]["rule"], "prompt-removed");
}

/// A command that serves a document, misbehaving as a mood says.
fn python() -> Option<impl Fn(&Sandbox, &Value, &str) -> String> {
    if Command::new("python3").arg("--version").output().is_err() {
        skip("there is no python3 to serve with");
        return None;
    }
    Some(|sandbox: &Sandbox, document: &Value, mood: &str| {
        let listed = sandbox.write("listed.json", document.to_string());
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/contracts/server.py");
        format!("python3 '{program}' '{}' '{mood}'", listed.display())
    })
}
