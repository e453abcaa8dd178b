"""Section 7: logs, audit, metrics and traces."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from kit.metrics import Metrics
from kit.process import until
from kit.spans import Traces
from kit.stub import Answer
from kit.wire import envelope, request_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Connect, Serve, Speak
    from kit.process import HttpServer
    from kit.stub import Records
    from kit.tokens import Issuer
    from kit.wire import Wire

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, float("inf")]
METRICS = {
    "mcp_tool_calls_total": ("counter", {"tool", "outcome"}),
    "mcp_tool_duration_seconds": ("histogram", {"tool", "le"}),
    "mcp_tool_calls_in_flight": ("gauge", set()),
    "mcp_tool_calls_queued": ("gauge", set()),
    "mcp_rejected_requests_total": ("counter", {"reason"}),
    "mcp_dependency_duration_seconds": ("histogram", {"dependency", "outcome", "le"}),
    "mcp_circuit_breaker_state": ("gauge", {"dependency"}),
    "mcp_build_info": ("gauge", {"version", "protocol"}),
    "mcp_deprecated_contract_uses_total": ("counter", set()),
    "mcp_open_connections": ("gauge", set()),
    "process_cpu_seconds_total": ("counter", set()),
    "process_resident_memory_bytes": ("gauge", set()),
}
CANARY = "canary-person-4711"


def metrics(wire: Wire) -> Metrics:
    return Metrics.parse(wire.get("/metrics").text)


class TestLogs:
    def test_a_completed_call(self, open_server: HttpServer, wire: Wire) -> None:
        mine = request_id()
        wire.call("process_text", {"text": " abc "}, x_request_id=mine)
        line = open_server.log.wait("tool.completed", correlation_id=mine)
        assert line["level"] == "INFO"
        assert TIMESTAMP.fullmatch(line["timestamp"])
        assert line["logger"]
        assert line["tool_name"] == "process_text"
        assert line["success"] is True
        assert 0 <= line["duration_ms"] < 30_000
        assert line["input_length"] > 0
        assert line["output_length"] > 0
        assert line.get("error_code") is None

    @pytest.mark.parametrize(
        ("tool", "arguments", "category", "code"),
        [
            ("process_text", {"text": ""}, "client_error", "invalid_argument"),
            ("lookup_record", {"record_id": "s07-gone"}, "business_error", "record_not_found"),
            ("lookup_record", {"record_id": "s07-broken"}, "server_error", "dependency_unavailable"),
        ],
    )
    def test_a_failed_call(
        self,
        open_server: HttpServer,
        wire: Wire,
        records: Records,
        tool: str,
        arguments: dict[str, Any],
        category: str,
        code: str,
    ) -> None:
        records.script("s07-gone", Answer(404, {}))
        records.script("s07-broken", Answer(500, {}))
        mine = request_id()
        wire.call(tool, arguments, x_request_id=mine)
        line = open_server.log.wait("tool.failed", correlation_id=mine)
        assert line["tool_name"] == tool
        assert line["success"] is False
        assert (line["error_category"], line["error_code"]) == (category, code)
        assert line["duration_ms"] >= 0
        assert not open_server.log.find("tool.completed", correlation_id=mine)

    def test_every_line_is_json_with_the_common_fields(self, open_server: HttpServer, wire: Wire) -> None:
        wire.send("POST", "/mcp", {"content-type": "application/json"}, b"\x1b]0;title\x07\n{")
        mine = request_id()
        wire.call("process_text", {"text": "x"}, x_request_id=mine)
        open_server.log.wait("tool.completed", correlation_id=mine)
        for text in list(open_server.log.lines):
            pairs = json.loads(text, object_pairs_hook=list)
            line = dict(pairs)
            assert len(line) == len(pairs), f"a name twice: {text}"
            assert {"timestamp", "level", "event", "logger"} <= set(line), text
            assert TIMESTAMP.fullmatch(line["timestamp"]), text
            assert line["level"] in ("DEBUG", "INFO", "WARNING", "ERROR"), text

    def test_started(self, open_server: HttpServer) -> None:
        line = open_server.log.wait("server.started")
        assert (line["transport"], line["host"], line["port"]) == ("http", "127.0.0.1", open_server.port)

    def test_stdio_logs_to_stderr_only(self, speak: Speak, era: str) -> None:
        stdio = speak(era=era)
        stdio.write("{")
        assert stdio.process.log.wait("server.started")["transport"] == "stdio"
        stdio.call("process_text", {"text": "x"})
        line = stdio.process.log.wait("tool.completed")
        assert line["correlation_id"]
        assert stdio.process.log.wait("audit.tool_called", correlation_id=line["correlation_id"])
        stdio.close()
        assert stdio.process.wait() == 0
        assert stdio.process.log.find("server.stopped")
        assert not stdio.noise
        for text in stdio.process.log.lines:
            pairs = json.loads(text, object_pairs_hook=list)
            assert len(dict(pairs)) == len(pairs), f"a name twice: {text}"


class TestAudit:
    def test_a_tool_call(self, guarded_server: HttpServer, connect: Connect, issuer: Issuer) -> None:
        wire = connect(guarded_server, token=issuer.mint("text:read records:read"))
        digests = []
        for text in (CANARY, CANARY, CANARY + "!"):
            mine = request_id()
            wire.call("process_text", {"text": text}, x_request_id=mine)
            line = guarded_server.log.wait("audit.tool_called", correlation_id=mine)
            assert (line["subject"], line["name"], line["outcome"]) == ("alice", "process_text", "success")
            assert line["scopes"] == ["text:read"], "the scopes that the tool needs"
            digests.append(line["arguments_digest"])
        assert digests[0] == digests[1] != digests[2]
        assert re.fullmatch(r"[0-9a-f]{16,}", digests[0])
        assert CANARY not in guarded_server.log.text

    def test_a_failed_call_is_audited_too(self, guarded_server: HttpServer, connect: Connect, issuer: Issuer) -> None:
        mine = request_id()
        connect(guarded_server, token=issuer.mint("text:read")).call("process_text", {}, x_request_id=mine)
        assert guarded_server.log.wait("audit.tool_called", correlation_id=mine)["outcome"] == "client_error"

    def test_a_resource_and_a_prompt(self, guarded_server: HttpServer, connect: Connect, issuer: Issuer) -> None:
        wire = connect(guarded_server, token=issuer.mint("config:read"))
        mine = request_id()
        wire.read("config://server-settings", x_request_id=mine)
        line = guarded_server.log.wait("audit.resource_read", correlation_id=mine)
        assert (line["subject"], line["name"], line["outcome"]) == ("alice", "server_settings", "success")
        mine = request_id()
        wire.rpc("prompts/get", {"name": "summarize_text", "arguments": {"text": CANARY}}, x_request_id=mine)
        line = guarded_server.log.wait("audit.prompt_read", correlation_id=mine)
        assert (line["subject"], line["name"], line["outcome"]) == ("alice", "summarize_text", "success")
        assert CANARY not in guarded_server.log.text

    def test_a_denial(self, guarded_server: HttpServer, connect: Connect, issuer: Issuer) -> None:
        mine = request_id()
        token = issuer.mint("text:read")
        connect(guarded_server, token=token).call("lookup_record", {"record_id": CANARY}, x_request_id=mine)
        line = guarded_server.log.wait("audit.denied", correlation_id=mine)
        assert (line["subject"], line["name"]) == ("alice", "lookup_record")
        mine = request_id()
        connect(guarded_server, token="garbage").rpc("tools/list", x_request_id=mine)
        assert guarded_server.log.wait("audit.denied", correlation_id=mine)["subject"] == "anonymous"
        assert token not in guarded_server.log.text


class TestMetrics:
    def test_names_types_and_labels(self, modern: Wire) -> None:
        modern.call("process_text", {"text": "x"})
        modern.call("lookup_record", {"record_id": "s07-metrics"})
        modern.rpc("tools/list", host="evil.example")
        found = metrics(modern)
        types = {name.removesuffix("_total"): kind for name, kind in found.types.items()}
        for name, (kind, labels) in METRICS.items():
            assert types.get(name.removesuffix("_total")) == kind, name
            sample = f"{name}_bucket" if kind == "histogram" else name
            assert found.labels(sample) == labels, name

    def test_each_call_counts_once_with_its_outcome(self, wire: Wire, records: Records) -> None:
        records.script("s07-gone", Answer(404, {}))
        records.script("s07-broken", Answer(500, {}))
        calls = [
            ("process_text", {"text": "x"}, "success"),
            ("process_text", {}, "client_error"),
            ("lookup_record", {"record_id": "s07-gone"}, "business_error"),
            ("lookup_record", {"record_id": "s07-broken"}, "server_error"),
            ("rm_rf_everything", {}, "client_error"),
        ]
        for tool, arguments, outcome in calls:
            label = "unknown" if tool.startswith("rm") else tool
            before = metrics(wire)
            wire.call(tool, arguments)
            after = metrics(wire)
            name = "mcp_tool_calls_total"
            assert after.value(name) - before.value(name) == 1, tool
            labels = {"tool": label, "outcome": outcome}
            assert after.value(name, **labels) - before.value(name, **labels) == 1, (tool, outcome)
        assert "rm_rf_everything" not in wire.get("/metrics").text

    def test_durations_have_the_fixed_buckets(self, modern: Wire) -> None:
        modern.call("process_text", {"text": "x"})
        modern.call("lookup_record", {"record_id": "s07-buckets"})
        found = metrics(modern)
        for name in ("mcp_tool_duration_seconds_bucket", "mcp_dependency_duration_seconds_bucket"):
            assert sorted(float(value) for value in found.values_of(name, "le")) == BUCKETS
        count = found.value("mcp_tool_duration_seconds_count", tool="process_text")
        assert count == found.value("mcp_tool_duration_seconds_bucket", tool="process_text", le="+Inf") > 0

    def test_refusals_are_counted_by_code(self, wire: Wire) -> None:
        before = metrics(wire)
        wire.rpc("tools/list", host="evil.example")
        wire.rpc("tools/list", content_type="text/plain")
        after = metrics(wire)
        for reason in ("forbidden", "unsupported_media_type"):
            name = "mcp_rejected_requests_total"
            assert after.value(name, reason=reason) - before.value(name, reason=reason) == 1, reason

    def test_dependencies_and_build(self, modern: Wire) -> None:
        modern.call("lookup_record", {"record_id": "s07-dependency"})
        found = metrics(modern)
        assert found.value(
            "mcp_dependency_duration_seconds_count", dependency="external_api", outcome="success"
        ) > 0  # fmt: skip
        assert found.values_of("mcp_dependency_duration_seconds_count", "dependency") <= {"external_api", "state"}
        assert found.value("mcp_circuit_breaker_state", dependency="external_api") == 0
        assert found.value("mcp_build_info", version=modern.settings()["version"], protocol="2026-07-28") == 1
        assert found.value("process_resident_memory_bytes") > 1_000_000
        assert found.value("mcp_open_connections") >= 1
        assert found.value("mcp_tool_calls_in_flight") == 0

    def test_nothing_that_a_caller_sends_becomes_a_label(self, modern: Wire) -> None:
        modern.call(CANARY, {})
        modern.call("process_text", {CANARY: 1, "text": CANARY})
        modern.rpc("prompts/get", {"name": CANARY})
        modern.read(f"config://{CANARY}")
        modern.get(f"/{CANARY}")
        assert CANARY not in modern.get("/metrics").text


TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"


class TestTraces:
    @pytest.fixture
    def traces(self) -> Iterator[Traces]:
        with Traces() as receiver:
            yield receiver

    def test_spans_of_a_call_and_its_tries_keep_the_callers_trace(
        self, serve: Serve, connect: Connect, records: Records, traces: Traces
    ) -> None:
        server = serve(
            MCP_API_BASE_URL=records.url, OTEL_EXPORTER_OTLP_ENDPOINT=traces.url, OTEL_BSP_SCHEDULE_DELAY=100
        )
        wire = connect(server)
        records.script("traced", Answer(503, {}), Answer(body={"name": CANARY}))
        meta_trace = TRACE[::-1]
        call = {"name": "lookup_record", "arguments": {"record_id": "traced"}}
        meta = {"_meta": {"traceparent": f"00-{meta_trace}-{PARENT}-01"}}
        assert wire.rpc("tools/call", {**call, **meta}).output
        message = envelope("tools/call", {"name": "process_text", "arguments": {"text": CANARY}}, wire.era)
        reply = wire.send("POST", "/mcp", wire.headers(message, traceparent=TRACEPARENT), json.dumps(message))
        assert reply.output
        server.stop()

        spans = until(
            lambda: {TRACE, meta_trace} <= {span.trace_id for span in traces.spans} and traces.spans, "spans arrive"
        )
        by_id = {span.span_id: span for span in spans}
        called = [span for span in spans if span.trace_id == meta_trace]
        inside = [span for span in called if span.parent_id in by_id]
        assert any(span.parent_id == PARENT for span in called), called
        assert any("lookup_record" in span.name for span in called), called
        assert len({span.span_id for span in inside}) >= 2, f"a span for each of the two tries: {called}"
        assert any(span.trace_id == TRACE and span.parent_id == PARENT for span in spans), spans
        assert any(span.trace_id == TRACE and "process_text" in span.name for span in spans), spans
        assert CANARY.encode() not in traces.raw
