//! Tells operators what happens: JSON lines on stderr, Prometheus metrics, traces, and an audit trail. None of them
//! holds what a caller sent, but the subject.

mod audit;
mod logs;
mod metrics;
mod panics;
mod spans;

pub use self::audit::{Audit, Entry};
pub use self::logs::Lines;
#[cfg(test)]
pub(crate) use self::logs::tests::Kept;
pub use self::metrics::{BreakerState, Metrics, PROTOCOL};
pub use self::panics::{guarded, quiet_panics};
pub use self::spans::{Span, Trace, Tracer};
