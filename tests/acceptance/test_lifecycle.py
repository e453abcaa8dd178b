"""Section 8: how a server ends, and what it survives, on HTTP and on stdio."""

from __future__ import annotations

import json
import signal
import socket
import time
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from kit.metrics import Metrics
from kit.process import until
from kit.stub import Answer, Records
from kit.wire import LEGACY, envelope

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from conftest import Connect, Serve, Speak
    from kit.process import HttpServer, Launcher
    from kit.wire import Wire

MALFORMED = (
    "{",
    "",
    "null",
    "[]",
    "42",
    '{"jsonrpc":"2.0"}',
    '{"id":1}',
    "\x00\x01",
    '{"jsonrpc":"2.0","id":',
    '{"jsonrpc":"1.0","id":1,"method":"tools/list"}',
    '{"a":' * 3000,
)
SLOW = {"steps": 100, "step_milliseconds": 1000}


def in_flight(wire: Wire) -> float:
    return Metrics.parse(wire.get("/metrics").text).value("mcp_tool_calls_in_flight")


def wait_for(wire: Wire, seconds: float) -> Any:
    """A call that takes that long: wait for an operation that does not change."""
    operation = wire.call("start_operation", SLOW).output["operation_id"]
    until(
        lambda: wire.call("check_operation_status", {"operation_id": operation}).output["status"] == "running",
        "the operation runs",
    )
    return {"operation_id": operation, "wait_seconds": seconds}


class TestHttp:
    def test_a_stop_serves_on_for_the_delay_and_finishes_what_runs(
        self, serve: Serve, connect: Connect, own_records: Records, pool: ThreadPoolExecutor
    ) -> None:
        own_records.script("slow", Answer(hang=True))
        settings = {"MCP_SHUTDOWN_DELAY_SECONDS": 4, "MCP_SHUTDOWN_GRACE_SECONDS": 20}
        server = serve(MCP_API_BASE_URL=own_records.url, MCP_API_TIMEOUT_SECONDS=15, MCP_RETRY_ATTEMPTS=1, **settings)
        wire, kept = connect(server), connect(server)
        assert kept.get("/live").status == 200
        running = pool.submit(wire.call, "lookup_record", {"record_id": "slow"})
        until(lambda: own_records.tries("slow"), "the call runs")
        stopped = time.monotonic()
        server.send_signal(signal.SIGTERM)
        until(lambda: kept.get("/ready").status == 503, "not ready")
        assert kept.get("/ready").json == {"status": "stopping"}
        assert connect(server).call("process_text", {"text": "x"}).output, "still serving"
        assert server.log.wait("server.stopping")
        assert time.monotonic() - stopped < 4, "too slow a machine to see the delay"
        until(lambda: self.turned_away(kept) and self.turned_away(connect(server)), "new calls are refused")
        assert server.running, "the call in flight keeps it alive"
        own_records.release()
        assert running.result().tool_error["code"] == "dependency_unavailable"
        assert server.wait() == 0
        assert server.log.find("server.stopped")

    @staticmethod
    def turned_away(wire: Wire) -> bool:
        """No connection any more, or the refusal of a call."""
        try:
            reply = wire.call("process_text", {"text": "x"})
        except httpx2.TransportError:
            return True
        if reply.status == 503:
            assert reply.refusal["code"] == "shutting_down"
            assert reply.refusal["message"] == "the server is shutting down"
            assert int(reply.headers["retry-after"]) >= 1
        return reply.status == 503

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
    def test_an_idle_server_stops_at_once_with_0(self, serve: Serve, connect: Connect, number: int) -> None:
        server = serve(MCP_SHUTDOWN_GRACE_SECONDS=30)
        wire = connect(server)
        assert wire.get("/live").status == 200, "an idle connection stays open"
        before = time.monotonic()
        server.send_signal(number)
        assert server.wait() == 0
        assert time.monotonic() - before < 10

    def test_the_grace_ends_what_does_not_finish(
        self, serve: Serve, connect: Connect, pool: ThreadPoolExecutor
    ) -> None:
        server = serve(MCP_ENABLE_WRITES=True, MCP_SHUTDOWN_GRACE_SECONDS=1)
        wire = connect(server)
        arguments = wait_for(wire, 20)
        running = pool.submit(wire.call, "check_operation_status", arguments)
        until(lambda: in_flight(connect(server)) == 1, "the call runs")
        before = time.monotonic()
        server.send_signal(signal.SIGTERM)
        assert server.wait() == 0
        assert time.monotonic() - before < 10
        running.exception()

    def test_a_disconnect_stops_the_work(self, open_server: HttpServer, connect: Connect, era: str) -> None:
        wire = connect(open_server, era=era)
        arguments = wait_for(wire, 20)
        message = envelope("tools/call", {"name": "check_operation_status", "arguments": arguments}, era)
        before = in_flight(wire)
        with pytest.raises(httpx2.ReadTimeout):
            httpx2.post(
                f"{wire.url}/mcp", content=json.dumps(message), headers=wire.headers(message), timeout=0.5,
                trust_env=False,
            )  # fmt: skip
        until(lambda: in_flight(wire) <= before, "the call is gone", 10)
        wire.call("cancel_operation", {"operation_id": arguments["operation_id"]})

    def test_a_request_that_never_ends_is_cut_off_or_holds_up_nobody(self, open_server: HttpServer, wire: Wire) -> None:
        head = f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{open_server.port}\r\nContent-Length: 100\r\n"
        with socket.create_connection(("127.0.0.1", open_server.port)) as slow:
            slow.sendall(f"{head}Content-Type: application/json\r\n\r\n{{".encode())
            assert wire.call("process_text", {"text": "x"}).output

    def test_garbage_on_the_port_is_survived(self, open_server: HttpServer, wire: Wire) -> None:
        for garbage in (b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/9.9\r\n\r\n", b"\r\n\r\n", b"POST /mcp\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", open_server.port)) as raw:
                raw.sendall(garbage)
        assert wire.get("/live").status == 200


class TestStdio:
    def test_malformed_lines_are_survived_and_what_was_read_is_answered(self, speak: Speak, era: str) -> None:
        stdio = speak(era=era, MCP_ENABLE_WRITES=True)
        tools = stdio.answer(stdio.send("tools/list"))["result"]["tools"]
        assert len(tools) == 4
        for line in MALFORMED:
            stdio.write(line)
        assert stdio.answer(stdio.send("no/such/method"))["error"]["code"] == -32601
        started = stdio.call("start_operation", SLOW)["structuredContent"]["operation_id"]
        arguments = {"operation_id": started, "wait_seconds": 1}
        calls = [stdio.send("tools/call", {"name": "process_text", "arguments": {"text": "x"}}) for _ in range(20)]
        calls.append(stdio.send("tools/call", {"name": "check_operation_status", "arguments": arguments}))
        stdio.close()
        before = time.monotonic()
        answered = {message.get("id") for message in stdio.rest()}
        assert stdio.process.wait() == 0
        assert set(calls) <= answered
        assert time.monotonic() - before < 6, "2 s, and the patience of a busy machine"
        assert not stdio.noise

    def test_a_call_longer_than_2_s_does_not_keep_it_alive(self, speak: Speak) -> None:
        stdio = speak(MCP_ENABLE_WRITES=True)
        started = stdio.call("start_operation", SLOW)["structuredContent"]["operation_id"]
        arguments = {"operation_id": started, "wait_seconds": 20}
        for _ in range(2):
            stdio.send("tools/call", {"name": "check_operation_status", "arguments": arguments})
        stdio.close()
        before = time.monotonic()
        assert stdio.process.wait() == 0
        assert time.monotonic() - before < 8

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
    def test_a_cancellation_stops_the_call_and_a_signal_the_server(self, speak: Speak, number: int) -> None:
        stdio = speak(era=LEGACY, MCP_ENABLE_WRITES=True, MCP_MAX_CONCURRENCY=1)
        started = stdio.call("start_operation", SLOW)["structuredContent"]["operation_id"]
        arguments = {"operation_id": started, "wait_seconds": 20}
        if stdio.call("check_operation_status", {"operation_id": started})["structuredContent"]["status"] == "started":
            stdio.call("check_operation_status", arguments)
        call = stdio.send("tools/call", {"name": "check_operation_status", "arguments": arguments})
        cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": call}}
        stdio.write(json.dumps(cancel))
        before = time.monotonic()
        assert stdio.call("process_text", {"text": "x"})["structuredContent"]["result"] == "x"
        assert time.monotonic() - before < 10, "the only slot is free again"
        stdio.process.send_signal(number)
        assert stdio.process.wait() == 0
        assert time.monotonic() - before < 20
        assert stdio.process.log.find("server.stopping")
        assert stdio.process.log.find("server.stopped")

    def test_an_end_before_the_beginning(self, launcher: Launcher) -> None:
        done = launcher.run()
        assert (done.returncode, done.stdout) == (0, "")
