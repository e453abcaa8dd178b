//! The endpoints beside the protocol, open to every Host; none of them causes an outgoing call.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;

use super::gate::{Gate, with_json};
use crate::chassis::lifecycle::Phase;

/// Of the container's health check.
const LIVE_TIMEOUT: Duration = Duration::from_secs(4);

pub fn routes() -> Router<Arc<Gate>> {
    Router::new()
        .route("/live", get(live))
        .route("/ready", get(ready))
        .route("/health", get(health))
        .route("/metrics", get(metrics))
}

async fn live() -> Response {
    with_json(StatusCode::OK, &json!({ "status": "alive" }))
}

async fn ready(State(gate): State<Arc<Gate>>) -> Response {
    let phase = gate.app().lifecycle.phase();
    let status = if phase == Phase::Ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    with_json(status, &json!({ "status": phase.name() }))
}

async fn health(State(gate): State<Arc<Gate>>) -> Response {
    let app = gate.app();
    let checks = app.services.health.checks();
    let is_degraded = checks.values().any(|check| *check == "degraded");
    let status = if is_degraded { "degraded" } else { "healthy" };
    let health = json!({ "status": status, "version": app.identity.version, "checks": checks });
    with_json(StatusCode::OK, &health)
}

async fn metrics(State(gate): State<Arc<Gate>>) -> Response {
    let kind = [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (kind, gate.app().metrics.text()).into_response()
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
