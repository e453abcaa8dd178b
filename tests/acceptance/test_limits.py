"""Sections 3, 4 and 8: rate limit and bulkhead hold tool calls, and nothing else."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from kit.metrics import Metrics
from kit.process import until
from kit.stub import Answer, Records
from kit.wire import tool_error

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from conftest import Connect, Serve, Speak
    from kit.tokens import Issuer
    from kit.wire import Reply, Wire

SLOW_REFILL = {"MCP_RATE_LIMIT_PER_MINUTE": 1, "MCP_RATE_LIMIT_BURST": 2}


def text(wire: Wire, **headers: str | None) -> Reply:
    return wire.call("process_text", {"text": "x"}, **headers)


def gauge(wire: Wire, name: str) -> float:
    return Metrics.parse(wire.get("/metrics").text).value(name)


def assert_limited(reply: Reply) -> None:
    assert reply.status == 429
    assert reply.refusal["code"] == "rate_limited"
    assert reply.refusal["message"] == "rate limit exceeded"
    seconds = int(reply.headers["retry-after"])
    assert 1 <= seconds <= 60
    assert reply.refusal["details"] == {"retry_after_seconds": seconds}


class TestRateLimit:
    def test_per_client_address(self, serve: Serve, connect: Connect) -> None:
        server = serve(**SLOW_REFILL)
        wire = connect(server)
        assert [text(wire).status for _ in range(2)] == [200, 200]
        assert_limited(text(wire))
        assert_limited(text(connect(server, era="2025-11-25"), x_forwarded_for="203.0.113.7"))
        assert_limited(wire.call("process_text", {}))
        for method in ("server/discover", "tools/list", "resources/list", "prompts/list"):
            assert wire.rpc(method).status == 200, f"{method} stays open"
        assert wire.read("config://server-settings").status == 200
        assert wire.call("unknown_tool", {}).error["code"] == -32602
        rejected = Metrics.parse(wire.get("/metrics").text)
        assert rejected.value("mcp_rejected_requests_total", reason="rate_limited") == 3

    def test_per_subject_and_denied_calls_are_free(
        self, serve: Serve, connect: Connect, issuer: Issuer, jwt_settings: dict[str, Any]
    ) -> None:
        server = serve(**jwt_settings | SLOW_REFILL)
        nobody = connect(server, token=issuer.mint("other"))
        assert [text(nobody).status for _ in range(3)] == [403] * 3
        alice = connect(server, token=issuer.mint("text:read"))
        assert [text(alice).status for _ in range(3)] == [200, 200, 429]
        assert text(connect(server, token=issuer.mint("text:read", iat=1))).status == 429, "the subject counts"
        assert text(connect(server, token=issuer.mint("text:read", sub="bob"))).status == 200

    def test_an_address_is_believed_from_trusted_proxies_only(self, serve: Serve, connect: Connect) -> None:
        wire = connect(serve(MCP_TRUSTED_PROXIES="127.0.0.0/8, 10.0.0.0/8", **SLOW_REFILL))
        assert [text(wire, x_forwarded_for="203.0.113.7").status for _ in range(3)] == [200, 200, 429]
        assert text(wire, x_forwarded_for="203.0.113.8").status == 200
        spoofed = "198.51.100.1, 203.0.113.7, 10.1.2.3"
        assert text(wire, x_forwarded_for=spoofed).status == 429, "the last address not of a proxy counts"

    def test_the_bucket_fills_again(self, serve: Serve, connect: Connect) -> None:
        wire = connect(serve(MCP_RATE_LIMIT_PER_MINUTE=120, MCP_RATE_LIMIT_BURST=1))
        assert text(wire).status == 200
        refused = until(lambda: (reply := text(wire)).status == 429 and reply, "the bucket is empty")
        assert refused.headers["retry-after"] == "1"
        until(lambda: text(wire).status == 200, "the bucket fills")

    def test_on_stdio_it_is_a_tool_error(self, speak: Speak) -> None:
        stdio = speak(**SLOW_REFILL)
        assert not stdio.call("process_text", {"text": "x"}).get("isError")
        assert not stdio.call("process_text", {"text": "x"}).get("isError")
        error = tool_error(stdio.call("process_text", {"text": "x"}))
        assert (error["code"], error["category"]) == ("rate_limited", "client_error")
        assert error["details"]["retry_after_seconds"] >= 1


class TestBulkhead:
    def test_calls_wait_in_the_queue_and_no_longer(
        self, serve: Serve, connect: Connect, own_records: Records, pool: ThreadPoolExecutor
    ) -> None:
        own_records.script("stuck", Answer(hang=True))
        limits = {"MCP_MAX_CONCURRENCY": 1, "MCP_MAX_QUEUE": 1, "MCP_RETRY_ATTEMPTS": 1}
        server = serve(MCP_API_BASE_URL=own_records.url, MCP_API_TIMEOUT_SECONDS=20, **limits)
        wire = connect(server)
        stuck = pool.submit(wire.call, "lookup_record", {"record_id": "stuck"})
        until(lambda: gauge(wire, "mcp_tool_calls_in_flight") == 1, "one call runs")
        queued = pool.submit(text, wire)
        until(lambda: gauge(wire, "mcp_tool_calls_queued") == 1, "one call waits")
        reply = text(wire)
        assert reply.status == 503
        assert (reply.refusal["code"], reply.refusal["category"]) == ("overloaded", "server_error")
        assert reply.refusal["message"] == "the server is at capacity"
        assert int(reply.headers["retry-after"]) == reply.refusal["details"]["retry_after_seconds"] >= 1
        assert wire.rpc("server/discover").status == 200
        assert wire.tools()
        assert wire.read("config://server-settings").status == 200
        own_records.release()
        assert stuck.result().tool_error["code"] == "dependency_unavailable"
        assert queued.result().output["result"] == "x"
        assert gauge(wire, "mcp_tool_calls_in_flight") == gauge(wire, "mcp_tool_calls_queued") == 0

    def test_waiting_counts_towards_the_timeout(
        self, serve: Serve, connect: Connect, own_records: Records, pool: ThreadPoolExecutor
    ) -> None:
        own_records.script("stuck", Answer(hang=True))
        limits = {"MCP_MAX_CONCURRENCY": 1, "MCP_TOOL_TIMEOUT_SECONDS": 2, "MCP_API_TIMEOUT_SECONDS": 20}
        wire = connect(serve(MCP_API_BASE_URL=own_records.url, **limits))
        before = time.monotonic()
        calls = [pool.submit(wire.call, "lookup_record", {"record_id": "stuck"}) for _ in range(4)]
        assert [call.result().tool_error["code"] for call in calls] == ["timeout"] * 4
        assert time.monotonic() - before < 7, "one after another they would take 8 s"
