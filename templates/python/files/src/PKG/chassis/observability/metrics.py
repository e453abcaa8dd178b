"""Prometheus metrics, in a registry of their own so that two servers can live in one process."""

from collections.abc import Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from .. import VERSION

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
PROTOCOL_VERSION = "2026-07-28"
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

disable_created_metrics()  # type: ignore[no-untyped-call] # not annotated in the library


class Metrics:
    """All metrics of the server; a tool that does not exist is labelled `unknown`."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.tool_calls = Counter(
            "mcp_tool_calls", "Finished tool calls.", ("tool", "outcome"), registry=registry
        )
        self.tool_duration = Histogram(
            "mcp_tool_duration_seconds",
            "Duration of tool calls.",
            ("tool",),
            buckets=_BUCKETS,
            registry=registry,
        )
        self._in_flight = Gauge(
            "mcp_tool_calls_in_flight", "Tool calls that are running.", registry=registry
        )
        self._queued = Gauge(
            "mcp_tool_calls_queued", "Tool calls that wait for a slot.", registry=registry
        )
        self.rejected = Counter(
            "mcp_rejected_requests", "Refused requests.", ("reason",), registry=registry
        )
        self.dependency_duration = Histogram(
            "mcp_dependency_duration_seconds",
            "Duration of tries to use a dependency.",
            ("dependency", "outcome"),
            buckets=_BUCKETS,
            registry=registry,
        )
        self._breaker_state = Gauge(
            "mcp_circuit_breaker_state",
            "0 closed, 1 half-open, 2 open.",
            ("dependency",),
            registry=registry,
        )
        self.deprecated_uses = Counter(
            "mcp_deprecated_contract_uses",
            "Uses of deprecated contracts.",
            ("contract",),
            registry=registry,
        )
        self._open_connections = Gauge(
            "mcp_open_connections", "Open HTTP connections.", registry=registry
        )
        Gauge(
            "mcp_build_info", "The running build.", ("version", "protocol"), registry=registry
        ).labels(VERSION, PROTOCOL_VERSION).set(1)
        ProcessCollector(registry=registry)

    def watch_calls(self, in_flight: Callable[[], int], queued: Callable[[], int]) -> None:
        """Report how many calls run and wait whenever metrics are read."""
        self._in_flight.set_function(in_flight)
        self._queued.set_function(queued)

    def watch_breaker(self, dependency: str, state: Callable[[], int]) -> None:
        """Report the state of a dependency's circuit breaker whenever metrics are read."""
        self._breaker_state.labels(dependency).set_function(state)

    def watch_connections(self, count: Callable[[], int]) -> None:
        """Report the number of open connections whenever metrics are read."""
        self._open_connections.set_function(count)

    def render(self) -> bytes:
        """Return all metrics as Prometheus text."""
        return generate_latest(self.registry)
