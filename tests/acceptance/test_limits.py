"""Sections 3, 4 and 8: rate limit and bulkhead hold tool calls, and nothing else."""

from __future__ import annotations

import itertools
import json
import time
from typing import TYPE_CHECKING, Any

from kit.metrics import Metrics
from kit.process import until
from kit.stub import Answer, Records
from kit.wire import ERAS, LEGACY, envelope

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

    from conftest import Connect, Serve, Speak
    from kit.tokens import Issuer
    from kit.wire import Reply, Wire

SLOW_REFILL = {"MCP_RATE_LIMIT_PER_MINUTE": 1, "MCP_RATE_LIMIT_BURST": 2}


CLIENTS: dict[str, tuple[tuple[str, ...], ...]] = {
    "the proxy itself": ((), ("nonsense",), ("6.0.0.1, 300.1.1.1",), ("6.0.0.2, 7.7.7.7:http",), ("6.0.0.3, _hidden",)),
    "IPv4": (
        ("203.0.113.7",),
        ("203.0.113.7:4711",),
        ("203.0.113.7:1",),
        ("6.0.0.9 ,\t203.0.113.7 ,",),
        ("::ffff:203.0.113.7",),
        ("[::FFFF:203.0.113.7]:80",),
        ("::ffff:cb00:7107",),
    ),
    "IPv6": (
        ("2001:db8::1",),
        ("[2001:db8::1]",),
        ("[2001:db8::1]:4711",),
        ("2001:0DB8:0:0:0:0:0:2",),
        ("2001:db8::ffff:0:0:1%eth0",),
    ),
    "IPv6, the next network": (("2001:db8:0:1::1",), ("2001:db8:0:1:ffff:ffff:ffff:ffff",)),
    "the last that is no proxy": (
        ("198.51.100.9",),
        ("6.0.0.1, 198.51.100.9",),
        ("6.0.0.2,198.51.100.9,10.1.2.3",),
        ("198.51.100.9, [fd00::1]:443, 10.1.2.3:80",),
        ("198.51.100.9, ::ffff:10.1.2.3",),
    ),
    "several lines": (
        ("6.0.0.1", "198.51.100.10"),
        ("6.0.0.2", "198.51.100.10"),
        ("6.0.0.3", "6.0.0.4, 198.51.100.10"),
        ("198.51.100.10", "10.1.2.3"),
    ),
    "the last good one": (("6.0.0.1, nonsense, 10.9.9.9",), ("6.0.0.2, _hidden, 10.9.9.9:1",), ("10.9.9.9",)),
    "proxies only": (("10.0.0.5, 10.0.0.6",), ("10.0.0.5, 10.0.0.7",)),
}
"""Spellings of `X-Forwarded-For`, as its lines, by the client that each must count for."""


def forwarded(wire: Wire, lines: tuple[str, ...]) -> int:
    message = envelope("tools/call", {"name": "process_text", "arguments": {"text": "x"}}, wire.era)
    headers = [*wire.headers(message).items(), *(("x-forwarded-for", line) for line in lines)]
    return wire.send("POST", "/mcp", headers, json.dumps(message)).status


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
        assert_limited(text(connect(server, era=LEGACY), x_forwarded_for="203.0.113.7"))
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
        one_call = {"MCP_RATE_LIMIT_PER_MINUTE": 1, "MCP_RATE_LIMIT_BURST": 1}
        server = serve(MCP_TRUSTED_PROXIES="127.0.0.0/8, 10.0.0.0/8, fd00::/8", **one_call)
        wires = itertools.cycle([connect(server, era=era) for era in ERAS])
        for client, spellings in CLIENTS.items():
            statuses = [forwarded(next(wires), lines) for lines in spellings]
            assert statuses == [200] + [429] * (len(spellings) - 1), client

    def test_the_bucket_fills_again(self, serve: Serve, connect: Connect) -> None:
        wire = connect(serve(MCP_RATE_LIMIT_PER_MINUTE=120, MCP_RATE_LIMIT_BURST=1))
        assert text(wire).status == 200
        refused = until(lambda: (reply := text(wire)).status == 429 and reply, "the bucket is empty")
        assert refused.headers["retry-after"] == "1"
        until(lambda: text(wire).status == 200, "the bucket fills")

    def test_on_stdio_it_is_a_tool_error(self, speak: Speak, era: str) -> None:
        stdio = speak(era=era, **SLOW_REFILL)
        assert stdio.call("process_text", {"text": "x"}).output
        assert stdio.call("process_text", {"text": "x"}).output
        error = stdio.call("process_text", {"text": "x"}).tool_error
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
        old = connect(server, era=LEGACY)
        stuck = pool.submit(wire.call, "lookup_record", {"record_id": "stuck"})
        until(lambda: gauge(wire, "mcp_tool_calls_in_flight") == 1, "one call runs")
        queued = pool.submit(text, old)
        until(lambda: gauge(wire, "mcp_tool_calls_queued") == 1, "one call waits")
        for reply in (text(wire), text(connect(server, era=LEGACY))):
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

    def test_queued_calls_are_let_in_by_turns_and_one_caller_takes_half_the_queue(
        self,
        serve: Serve,
        connect: Connect,
        own_records: Records,
        pool: ThreadPoolExecutor,
        issuer: Issuer,
        jwt_settings: dict[str, Any],
    ) -> None:
        own_records.script("stuck", Answer(hang=True))
        limits = {"MCP_MAX_CONCURRENCY": 1, "MCP_MAX_QUEUE": 7, "MCP_RETRY_ATTEMPTS": 1}
        limits |= {"MCP_API_TIMEOUT_SECONDS": 60, "MCP_TOOL_TIMEOUT_SECONDS": 60}
        server = serve(MCP_API_BASE_URL=own_records.url, **jwt_settings, **limits)
        probe = connect(server)

        def queue(subject: str, record_id: str, queued: int) -> Future[Reply]:
            wire = connect(server, token=issuer.mint("records:read", sub=subject), era=next(eras))
            call = pool.submit(wire.call, "lookup_record", {"record_id": record_id})
            if queued:
                until(lambda: gauge(probe, "mcp_tool_calls_queued") == queued, f"{queued} calls wait")
            return call

        eras = itertools.cycle(ERAS)
        calls = [queue("alice", "stuck", 0)]
        until(lambda: own_records.tries("stuck"), "one call runs")
        calls += [queue("alice", f"alice-{number}", number) for number in range(1, 5)]
        for _ in ERAS:
            assert queue("alice", "alice-5", 0).result().refusal["code"] == "overloaded"
        calls += [queue("bob", "bob-1", 5), queue("carol", "carol-1", 6)]
        own_records.release()
        assert [call.result().status for call in calls] == [200] * 7
        order = [request.path.rpartition("/")[2] for request in own_records.requests]
        assert set(order[1:4]) == {"alice-1", "bob-1", "carol-1"}, order
        assert order[4:] == ["alice-2", "alice-3", "alice-4"]


class TestWaits:
    def test_a_call_that_only_waits_holds_no_slot_and_waits_are_bounded(
        self, serve: Serve, connect: Connect, pool: ThreadPoolExecutor, era: str
    ) -> None:
        server = serve(MCP_ENABLE_WRITES=True, MCP_MAX_CONCURRENCY=2, MCP_MAX_QUEUE=2)
        wire = connect(server, era=era)
        operation = wire.call("start_operation", {"steps": 100, "step_milliseconds": 1000}).output["operation_id"]
        now, later = ({"operation_id": operation, "wait_seconds": seconds} for seconds in (0, 20))
        until(lambda: wire.call("check_operation_status", now).output["status"] == "running", "the operation runs")
        waits = [pool.submit(connect(server, era=era).call, "check_operation_status", later) for _ in range(3)]
        until(lambda: [wait.done() for wait in waits].count(True) == 1, "one wait too many answers at once", 10)
        for _ in range(3):
            assert text(wire).output["result"] == "x", "a slot is free"
        time.sleep(0.5)
        assert [wait.done() for wait in waits].count(True) == 1, "the others wait on"
        wire.call("cancel_operation", {"operation_id": operation})
        assert sorted(wait.result().output["status"] for wait in waits) == ["cancelled", "cancelled", "running"]
