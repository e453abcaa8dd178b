//! The endpoints beside the protocol, open to every Host; none of them causes an outgoing call.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use hyper::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::gate::{Body, with_json};
use crate::chassis::app::App;
use crate::chassis::lifecycle::Phase;

/// Of the container's health check.
const LIVE_TIMEOUT: Duration = Duration::from_secs(4);

/// Answers a probe; none when the path is no probe's.
pub fn answer(app: &App, method: &Method, path: &str) -> Option<Response<Body>> {
    let is_read = matches!(*method, Method::GET | Method::HEAD);
    if !["/live", "/ready", "/health", "/metrics"].contains(&path) {
        return None;
    }
    let mut response = Response::new(Body::default());
    if !is_read {
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        response.headers_mut().insert("allow", hyper::header::HeaderValue::from_static("GET, HEAD"));
        return Some(response);
    }
    Some(match path {
        "/live" => with_json(StatusCode::OK, &json!({ "status": "alive" })),
        "/ready" => {
            let phase = app.lifecycle.phase();
            let is_ready = phase == Phase::Ready;
            let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
            with_json(status, &json!({ "status": phase.name() }))
        }
        "/health" => with_json(StatusCode::OK, &health(app)),
        _ => {
            let kind = hyper::header::HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
            response.headers_mut().insert("content-type", kind);
            *response.body_mut() = super::gate::whole(app.metrics.text());
            response
        }
    })
}

fn health(app: &App) -> Value {
    let checks = app.services.health.checks();
    let is_degraded = checks.values().any(|check| *check == "degraded");
    let status = if is_degraded { "degraded" } else { "healthy" };
    json!({ "status": status, "version": app.identity.version, "checks": checks })
}

/// Asks a server on this machine whether it lives.
#[must_use]
pub fn check_live(host: &str, port: u16) -> bool {
    let is_wildcard = host.parse::<IpAddr>().is_ok_and(|address| address.is_unspecified());
    let host = if is_wildcard { "localhost" } else { host };
    let Ok(addresses) = (host, port).to_socket_addrs() else { return false };
    let mut connected =
        addresses.filter_map(|address| TcpStream::connect_timeout(&address, LIVE_TIMEOUT).ok());
    let Some(mut stream) = connected.next() else { return false };
    let _ = stream.set_read_timeout(Some(LIVE_TIMEOUT)); // without it the answer only takes longer
    let mut head = [0; 12];
    let asked = stream.write_all(b"GET /live HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    asked.and_then(|()| stream.read_exact(&mut head)).is_ok() && head.ends_with(b" 200")
}
