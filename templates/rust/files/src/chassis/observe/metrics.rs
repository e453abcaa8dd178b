//! Metrics as Prometheus reads them. Labels hold names and codes, never anything that a caller sent.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use prometheus::core::Collector;
use prometheus::{
    Encoder as _, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
};

/// The newest protocol that the server speaks.
pub const PROTOCOL: &str = "2026-07-28";

/// How a breaker stands, as the gauge shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    Closed,
    HalfOpen,
    Open,
}

const BUCKETS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Those of one server.
pub struct Metrics {
    registry: Registry,
    described: Vec<(&'static str, &'static str, &'static str)>,
    pub in_flight: IntGauge,
    pub queued: IntGauge,
    pub open_connections: IntGauge,
    tool_calls: IntCounterVec,
    tool_duration: HistogramVec,
    rejected: IntCounterVec,
    dependencies: HistogramVec,
    breakers: GaugeVec,
    deprecated: IntCounterVec,
}

/// Makes metrics that are registered; their names are the program's own.
struct Maker {
    registry: Registry,
    described: Vec<(&'static str, &'static str, &'static str)>,
}

impl Maker {
    fn add<M: Collector + Clone + 'static>(&mut self, made: prometheus::Result<M>) -> M {
        let made = made.expect("a metric of the program");
        self.registry.register(Box::new(made.clone())).expect("a name of its own");
        made
    }

    fn gauge(&mut self, name: &'static str, help: &'static str) -> IntGauge {
        self.add(IntGauge::new(name, help))
    }

    fn counters(&mut self, name: &'static str, help: &'static str, labels: &[&str]) -> IntCounterVec {
        self.described.push((name, help, "counter"));
        self.add(IntCounterVec::new(Opts::new(name, help), labels))
    }

    fn histograms(&mut self, name: &'static str, help: &'static str, labels: &[&str]) -> HistogramVec {
        self.described.push((name, help, "histogram"));
        self.add(HistogramVec::new(HistogramOpts::new(name, help).buckets(BUCKETS.to_vec()), labels))
    }

    fn gauges(&mut self, name: &'static str, help: &'static str, labels: &[&str]) -> GaugeVec {
        self.add(GaugeVec::new(Opts::new(name, help), labels))
    }
}

impl Metrics {
    /// Registers all of them.
    ///
    /// # Panics
    /// Panics when two have one name, which is a mistake in the program.
    #[must_use]
    pub fn new(version: &str) -> Self {
        let mut make = Maker { registry: Registry::new(), described: Vec::new() };
        let build = make.gauges(
            "mcp_build_info",
            "Version of the server and newest protocol it speaks.",
            &["version", "protocol"],
        );
        build.with_label_values(&[version, PROTOCOL]).set(1.0);
        #[cfg(target_os = "linux")]
        let _ = make.registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()));
        Self {
            in_flight: make.gauge("mcp_tool_calls_in_flight", "Tool calls that are running."),
            queued: make.gauge("mcp_tool_calls_queued", "Tool calls that wait for a place."),
            open_connections: make.gauge("mcp_open_connections", "Open connections of the http transport."),
            tool_calls: make.counters("mcp_tool_calls_total", "Tool calls by outcome.", &["tool", "outcome"]),
            tool_duration: make.histograms("mcp_tool_duration_seconds", "Duration of tool calls.", &["tool"]),
            rejected: make.counters(
                "mcp_rejected_requests_total",
                "Requests that were refused, by error code.",
                &["reason"],
            ),
            dependencies: make.histograms(
                "mcp_dependency_duration_seconds",
                "Duration of each try to reach a dependency.",
                &["dependency", "outcome"],
            ),
            breakers: make.gauges(
                "mcp_circuit_breaker_state",
                "Circuit breaker: 0 closed, 1 half-open, 2 open.",
                &["dependency"],
            ),
            deprecated: make.counters(
                "mcp_deprecated_contract_uses_total",
                "Uses of deprecated contracts.",
                &["contract"],
            ),
            registry: make.registry,
            described: make.described,
        }
    }

    /// Counts a call; an outcome is `success` or an error's category.
    pub fn tool_called(&self, name: &str, outcome: &str, took: Duration) {
        self.tool_calls.with_label_values(&[name, outcome]).inc();
        self.tool_duration.with_label_values(&[name]).observe(took.as_secs_f64());
    }

    /// Counts a call of a tool that does not exist.
    pub fn unknown_tool(&self) {
        self.tool_calls.with_label_values(&["unknown", "client_error"]).inc();
    }

    /// Counts a refusal by its code.
    pub fn refused(&self, code: &str) {
        self.rejected.with_label_values(&[code]).inc();
    }

    /// Counts a try: `success`, `error`, `timeout` or `rejected`.
    pub fn dependency_tried(&self, dependency: &str, outcome: &str, took: Duration) {
        self.dependencies.with_label_values(&[dependency, outcome]).observe(took.as_secs_f64());
    }

    /// Shows how a dependency's breaker stands.
    pub fn breaker_changed(&self, dependency: &str, state: BreakerState) {
        self.breakers.with_label_values(&[dependency]).set(f64::from(state as u8));
    }

    /// Counts a use of a contract on its way out.
    pub fn deprecated_used(&self, contract: &str) {
        self.deprecated.with_label_values(&[contract]).inc();
    }

    /// Prometheus text. Families without a sample yet are named too, so that whoever writes an alert finds them.
    #[must_use]
    pub fn text(&self) -> String {
        let families = self.registry.gather();
        let mut text = Vec::new();
        let _ = TextEncoder::new().encode(&families, &mut text); // it fails on names that nobody could register
        let mut text = String::from_utf8(text).unwrap_or_default();
        let seen: BTreeSet<&str> = families.iter().map(prometheus::proto::MetricFamily::name).collect();
        for (name, help, kind) in self.described.iter().filter(|(name, ..)| !seen.contains(name)) {
            let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n"); // a string takes everything
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown() {
        let metrics = Metrics::new("1.2.3");
        assert!(metrics.text().contains("# TYPE mcp_tool_calls_total counter"));
        metrics.tool_called("t", "success", Duration::from_millis(7));
        metrics.breaker_changed("d", BreakerState::Open);
        let text = metrics.text();
        for line in [
            "mcp_tool_calls_total{outcome=\"success\",tool=\"t\"} 1",
            "mcp_tool_duration_seconds_bucket{tool=\"t\",le=\"0.01\"} 1",
            "mcp_circuit_breaker_state{dependency=\"d\"} 2",
            "mcp_build_info{protocol=\"2026-07-28\",version=\"1.2.3\"} 1",
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
    }
}
