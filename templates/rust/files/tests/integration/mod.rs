//! The server's parts together: http, stdio, Redis, traces.

mod http;
mod lifecycle;
mod limits;
mod redis;
mod stdio;
mod tracing;
