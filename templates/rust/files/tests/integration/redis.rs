//! Two replicas on one Redis, and what happens when it goes away.
#![cfg(unix)]

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::fixtures::{Server, eventually};

const PASSWORD: &str = "pw-canary";

/// A Redis of the test's own, on a port of the system's choice.
struct Redis {
    child: Child,
    port: u16,
}

impl Redis {
    /// Without one on the machine there is nothing to test; the pipeline has one.
    fn start() -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self::on(port)
    }

    fn on(port: u16) -> Option<Self> {
        let options =
            ["--port", &port.to_string(), "--requirepass", PASSWORD, "--save", "", "--appendonly", "no"];
        let started = Command::new("redis-server").args(options).stdout(Stdio::null()).spawn();
        let Ok(child) = started else {
            assert!(
                std::env::var_os("CI").is_none() || !cfg!(target_os = "linux"),
                "redis-server is not installed"
            );
            eprintln!("SKIPPED: redis-server is not installed");
            return None;
        };
        eventually("Redis listens", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        Some(Self { child, port })
    }

    fn replica(&self) -> Server {
        let url = format!("redis://:{PASSWORD}@127.0.0.1:{}/0", self.port);
        Server::start(&[
            ("MCP_STATE_URL", &url),
            ("MCP_RATE_LIMIT_PER_MINUTE", "1"),
            ("MCP_RATE_LIMIT_BURST", "2"),
        ])
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_healthy(server: &Server) -> bool {
    server.get("/health").text.contains(r#""state":"healthy""#)
}

#[test]
fn replicas_share_their_limits_and_outlive_redis() {
    let Some(redis) = Redis::start() else { return };
    let (one, two) = (redis.replica(), redis.replica());
    eventually("both are ready", || [&one, &two].iter().all(|each| each.get("/ready").status == 200));
    let replies = [&one, &two, &one, &two].map(|each| each.call("echo", json!({ "text": "x" })).status);
    assert_eq!(
        replies.iter().filter(|status| **status == 429).count(),
        2,
        "a burst of 2 is one of all: {replies:?}"
    );

    let port = redis.port;
    drop(redis);
    eventually("it is degraded", || !is_healthy(&one));
    let lost = one.rpc("resources/read", json!({ "uri": "fixture://items/any" }));
    assert_eq!(lost.code(), "dependency_unavailable", "{}", lost.text);
    assert_eq!(
        one.call("slow", json!({})).status,
        200,
        "everything else goes on, each with limits of its own"
    );
    let again = Redis::on(port);
    eventually("it is healthy again", || is_healthy(&one));
    one.log().wait("state.unavailable", &[]);
    for log in [one.log(), two.log()] {
        assert!(!log.text().contains(PASSWORD), "the log tells the password");
    }
    drop(again);
}
