"""Traces arrive at a collector, as children of what the caller sent."""

import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx2
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.fixtures.process import http_server
from tests.fixtures.wire import request

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Collector(ThreadingHTTPServer):
    """Keeps the spans that it is sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.spans: list[Span] = []


class Receiver(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                self.server.spans += scope.spans
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to flush spans on")
def test_a_call_and_its_tries_continue_the_callers_trace(
    collector: Collector, tmp_path: Path
) -> None:
    settings = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}",
        "MCP_NEIGHBOUR_URL": "http://127.0.0.1:9",
        "MCP_RETRY_ATTEMPTS": "2",
    }
    headers, body = request("tools/call", name="ask", arguments={"path": "r-1"})
    headers["traceparent"] = f"00-{TRACE}-{PARENT}-01"
    with http_server(tmp_path / "server.log", **settings) as server:
        httpx2.post(f"{server.url}/mcp", headers=headers, content=body)
        server.stop()

    ours = [span for span in collector.spans if span.trace_id.hex() == TRACE]
    (call,) = (span for span in ours if span.kind == Span.SPAN_KIND_SERVER)
    tries = [span for span in ours if span.kind == Span.SPAN_KIND_CLIENT]
    assert "ask" in call.name
    assert call.parent_span_id.hex() == PARENT
    assert [each.parent_span_id for each in tries] == [call.span_id] * 2
    assert all(each.status.code for each in tries), "a try that failed says so"
    assert "r-1" not in str(ours), "no argument in a span"
