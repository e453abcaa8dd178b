//! Carries the protocol: binds an App to it, and serves it over http and stdio. No other part of the chassis names the
//! SDK.

mod accept;
mod body;
mod gate;
mod handler;
mod head;
mod headers;
mod http;
mod lines;
mod message;
mod offers;
mod probes;
mod protocol;
mod reply;
mod stdio;

pub use self::http::serve as serve_http;
pub use self::probes::check_live;
pub use self::stdio::serve as serve_stdio;
