//! Spans, as a collector gets them.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::fixtures::{Server, eventually};

/// A collector that keeps what it is sent, and its address; one that is silent never answers.
fn collector(is_silent: bool) -> (String, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let kept = Arc::new(Mutex::new(Vec::new()));
    let exported = kept.clone();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let exported = exported.clone();
            thread::spawn(move || {
                stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
                let mut chunk = [0; 4096];
                while let Ok(size @ 1..) = stream.read(&mut chunk) {
                    exported.lock().unwrap().extend_from_slice(&chunk[..size]);
                }
                if is_silent {
                    thread::sleep(Duration::from_mins(10));
                }
                let _ =
                    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            });
        }
    });
    (url, kept)
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn spans_keep_the_caller_s_trace_and_hold_no_arguments() {
    let (url, exported) = collector(false);
    let server = Server::start(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &url)]);
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let meta = json!({ "traceparent": format!("00-{trace}-b7ad6b7169203331-01") });
    server.rpc("tools/call", json!({ "name": "echo", "arguments": { "text": "canary" }, "_meta": meta }));
    server.call("fail", json!({}));
    drop(server);
    for name in ["tools/call echo", "tools/call fail"] {
        eventually(name, || holds(&exported.lock().unwrap(), name.as_bytes()));
    }
    // In protobuf it is bytes, in JSON their digits.
    let id: Vec<u8> = (0..16).map(|at| u8::from_str_radix(&trace[2 * at..2 * at + 2], 16).unwrap()).collect();
    eventually("the caller's trace", || {
        let exported = exported.lock().unwrap();
        holds(&exported, &id) || holds(&exported, trace.as_bytes())
    });
    assert!(!holds(&exported.lock().unwrap(), b"canary"), "spans hold arguments");
}

#[cfg(unix)]
#[test]
fn a_silent_collector_does_not_hold_up_the_exit() {
    let (url, _) = collector(true);
    let mut server = Server::start(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &url)]);
    server.call("echo", json!({ "text": "x" }));
    server.process.signal("TERM");
    assert!(server.process.ended().success());
    server.log().wait("server.stopped", &[]);
}
