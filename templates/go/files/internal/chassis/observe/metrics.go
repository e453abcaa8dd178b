package observe

import (
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"
)

// Protocol is the newest one that the server speaks.
const Protocol = "2026-07-28"

// BreakerState is how a breaker stands, as the gauge shows it.
type BreakerState int

// The states of a breaker.
const (
	BreakerClosed BreakerState = iota
	BreakerHalfOpen
	BreakerOpen
)

var buckets = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}

// Metrics are those of one server. Labels hold names and codes, never anything that a caller sent.
type Metrics struct {
	registry  *prometheus.Registry
	described []description

	InFlight        prometheus.Gauge
	Queued          prometheus.Gauge
	OpenConnections prometheus.Gauge

	toolCalls    *prometheus.CounterVec
	toolDuration *prometheus.HistogramVec
	rejected     *prometheus.CounterVec
	dependencies *prometheus.HistogramVec
	breakers     *prometheus.GaugeVec
	deprecated   *prometheus.CounterVec
}

type description struct{ name, help, kind string }

// NewMetrics registers all of them.
func NewMetrics(version string) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	gauge := func(name, help string) prometheus.Gauge {
		gauge := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
		m.registry.MustRegister(gauge)
		return gauge
	}
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		counter := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		m.registry.MustRegister(counter)
		m.described = append(m.described, description{name, help, "counter"})
		return counter
	}
	histograms := func(name, help string, labels ...string) *prometheus.HistogramVec {
		histogram := prometheus.NewHistogramVec(
			prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
		m.registry.MustRegister(histogram)
		m.described = append(m.described, description{name, help, "histogram"})
		return histogram
	}
	m.InFlight = gauge("mcp_tool_calls_in_flight", "Tool calls that are running.")
	m.Queued = gauge("mcp_tool_calls_queued", "Tool calls that wait for a place.")
	m.OpenConnections = gauge("mcp_open_connections", "Open connections of the http transport.")
	m.toolCalls = counters("mcp_tool_calls_total", "Tool calls by outcome.", "tool", "outcome")
	m.toolDuration = histograms("mcp_tool_duration_seconds", "Duration of tool calls.", "tool")
	m.rejected = counters("mcp_rejected_requests_total", "Requests that were refused, by error code.", "reason")
	m.dependencies = histograms("mcp_dependency_duration_seconds",
		"Duration of each try to reach a dependency.", "dependency", "outcome")
	m.deprecated = counters("mcp_deprecated_contract_uses_total", "Uses of deprecated contracts.", "contract")
	m.breakers = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "mcp_circuit_breaker_state", Help: "Circuit breaker: 0 closed, 1 half-open, 2 open.",
	}, []string{"dependency"})
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "mcp_build_info", Help: "Version of the server and newest protocol it speaks.",
	}, []string{"version", "protocol"})
	m.registry.MustRegister(m.breakers, build, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	build.WithLabelValues(version, Protocol).Set(1)
	return m
}

// ToolCalled counts a call; an outcome is `success` or an error's category.
func (m *Metrics) ToolCalled(tool, outcome string, took time.Duration) {
	m.toolCalls.WithLabelValues(tool, outcome).Inc()
	m.toolDuration.WithLabelValues(tool).Observe(took.Seconds())
}

// UnknownTool counts a call of a tool that does not exist.
func (m *Metrics) UnknownTool() {
	m.toolCalls.WithLabelValues("unknown", "client_error").Inc()
}

// Rejected counts a refusal by its code.
func (m *Metrics) Rejected(code string) { m.rejected.WithLabelValues(code).Inc() }

// DependencyTried counts a try: `success`, `error`, `timeout` or `rejected`.
func (m *Metrics) DependencyTried(dependency, outcome string, took time.Duration) {
	m.dependencies.WithLabelValues(dependency, outcome).Observe(took.Seconds())
}

// BreakerChanged shows how a dependency's breaker stands.
func (m *Metrics) BreakerChanged(dependency string, state BreakerState) {
	m.breakers.WithLabelValues(dependency).Set(float64(state))
}

// DeprecatedUsed counts a use of a contract on its way out.
func (m *Metrics) DeprecatedUsed(contract string) { m.deprecated.WithLabelValues(contract).Inc() }

// ServeHTTP writes the metrics as Prometheus text. Families without a sample yet are named too, so that whoever writes
// an alert finds them.
func (m *Metrics) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	families, err := m.registry.Gather()
	if err != nil {
		http.Error(w, "metrics are not available", http.StatusInternalServerError)
		return
	}
	format := expfmt.NewFormat(expfmt.TypeTextPlain)
	w.Header().Set("Content-Type", string(format))
	encoder := expfmt.NewEncoder(w, format)
	seen := map[string]bool{}
	for _, family := range families {
		seen[family.GetName()] = true
		if encoder.Encode(family) != nil {
			return // whoever is gone needs no answer
		}
	}
	for _, empty := range m.described {
		if !seen[empty.name] {
			_, _ = fmt.Fprintf(w, "# HELP %s %s\n# TYPE %[1]s %[3]s\n", empty.name, empty.help, empty.kind)
		}
	}
}
