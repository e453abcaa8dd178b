"""Section 8: how a server ends, and what it survives, on HTTP and on stdio."""

from __future__ import annotations

import json
import signal
import socket
import time
from typing import TYPE_CHECKING

import httpx2
import pytest

from kit.metrics import Metrics
from kit.process import until
from kit.redis import free_port
from kit.stub import Answer, Records
from kit.wire import ERAS, envelope

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future, ThreadPoolExecutor

    from conftest import Connect, Serve, Speak
    from kit.process import HttpServer, Launcher
    from kit.stdio import Stdio
    from kit.wire import Reply, Wire

SLOW = {"steps": 100, "step_milliseconds": 1000}


def in_flight(wire: Wire) -> float:
    return Metrics.parse(wire.get("/metrics").text).value("mcp_tool_calls_in_flight")


def look_up_in_each_era(pool: ThreadPoolExecutor, server: HttpServer, connect: Connect) -> list[Future[Reply]]:
    wires = [connect(server, era=era) for era in ERAS]
    return [pool.submit(wire.call, "lookup_record", {"record_id": "slow"}) for wire in wires]


@pytest.fixture(params=["refused", "silent"])
def collector(request: pytest.FixtureRequest) -> Iterator[str]:
    """A trace collector that refuses connections, or takes them and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        if request.param == "refused":
            listener.close()
            yield f"http://127.0.0.1:{free_port()}"
        else:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"


class TestHttp:
    def test_a_stop_serves_on_for_the_delay_and_finishes_what_runs(
        self, serve: Serve, connect: Connect, own_records: Records, pool: ThreadPoolExecutor
    ) -> None:
        own_records.script("slow", Answer(hang=True))
        settings = {"MCP_SHUTDOWN_DELAY_SECONDS": 4, "MCP_SHUTDOWN_GRACE_SECONDS": 20}
        server = serve(MCP_API_BASE_URL=own_records.url, MCP_API_TIMEOUT_SECONDS=15, MCP_RETRY_ATTEMPTS=1, **settings)
        kept = connect(server)
        assert kept.get("/live").status == 200
        running = look_up_in_each_era(pool, server, connect)
        until(lambda: len(own_records.tries("slow")) == 2, "the calls run")
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
        assert [call.result().tool_error["code"] for call in running] == ["dependency_unavailable"] * 2
        assert server.wait() == 0
        assert server.log.find("server.stopped")
        (line,) = server.log.find("server.stopping")
        assert not line.get("correlation_id"), "it belongs to no request"

    @pytest.mark.parametrize("delay", [0, 1])
    def test_what_runs_is_answered_after_the_delay(
        self, serve: Serve, connect: Connect, own_records: Records, pool: ThreadPoolExecutor, delay: int
    ) -> None:
        own_records.script("slow", Answer(hang=True))
        settings = {"MCP_API_TIMEOUT_SECONDS": 15, "MCP_RETRY_ATTEMPTS": 1, "MCP_SHUTDOWN_DELAY_SECONDS": delay}
        server = serve(MCP_API_BASE_URL=own_records.url, **settings)
        running = look_up_in_each_era(pool, server, connect)
        until(lambda: len(own_records.tries("slow")) == 2, "the calls run")
        server.send_signal(signal.SIGTERM)
        server.log.wait("server.stopping")
        time.sleep(delay + 1.5)
        assert server.running
        own_records.release()
        assert [call.result().tool_error["code"] for call in running] == ["dependency_unavailable"] * 2
        assert server.wait() == 0

    def test_a_second_signal_ends_at_once(
        self, serve: Serve, connect: Connect, own_records: Records, pool: ThreadPoolExecutor
    ) -> None:
        own_records.script("slow", Answer(hang=True))
        server = serve(MCP_API_BASE_URL=own_records.url, MCP_API_TIMEOUT_SECONDS=25, MCP_SHUTDOWN_DELAY_SECONDS=30)
        running = look_up_in_each_era(pool, server, connect)
        until(lambda: len(own_records.tries("slow")) == 2, "the calls run")
        server.send_signal(signal.SIGINT)
        server.log.wait("server.stopping")
        server.send_signal(signal.SIGTERM)  # the same wish: make passes on what its process group got
        time.sleep(1)
        assert server.running
        before = time.monotonic()
        server.send_signal(signal.SIGINT)
        server.wait()
        assert time.monotonic() - before < 5
        own_records.release()
        for call in running:
            call.exception()

    def test_a_collector_holds_up_no_end(self, serve: Serve, connect: Connect, collector: str, era: str) -> None:
        server = serve(OTEL_EXPORTER_OTLP_ENDPOINT=collector, OTEL_BSP_SCHEDULE_DELAY=100)
        assert connect(server, era=era).call("process_text", {"text": "x"}).output
        before = time.monotonic()
        server.send_signal(signal.SIGTERM)
        assert server.wait() == 0
        assert time.monotonic() - before < 5, "2 s, and the patience of a busy machine"
        assert "uncaught" not in server.log.text

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
        self, serve: Serve, connect: Connect, own_records: Records, pool: ThreadPoolExecutor
    ) -> None:
        own_records.script("slow", Answer(hang=True))
        server = serve(MCP_API_BASE_URL=own_records.url, MCP_API_TIMEOUT_SECONDS=25, MCP_SHUTDOWN_GRACE_SECONDS=1)
        running = look_up_in_each_era(pool, server, connect)
        until(lambda: in_flight(connect(server)) == 2, "the calls run")
        before = time.monotonic()
        server.send_signal(signal.SIGTERM)
        assert server.wait() == 0
        assert time.monotonic() - before < 10
        own_records.release()
        for call in running:
            call.exception()

    def test_a_disconnect_stops_the_work(
        self, open_server: HttpServer, connect: Connect, records: Records, era: str
    ) -> None:
        records.script("left", Answer(hang=True))
        wire = connect(open_server, era=era)
        message = envelope("tools/call", {"name": "lookup_record", "arguments": {"record_id": "left"}}, era)
        before = in_flight(wire)
        with pytest.raises(httpx2.ReadTimeout):
            httpx2.post(
                f"{wire.url}/mcp", content=json.dumps(message), headers=wire.headers(message), timeout=0.5,
                trust_env=False,
            )  # fmt: skip
        until(lambda: in_flight(wire) <= before, "the call is gone long before its tries end", 8)

    def test_a_request_that_never_ends_is_cut_off_or_holds_up_nobody(self, open_server: HttpServer, wire: Wire) -> None:
        head = f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{open_server.port}\r\nContent-Length: 100\r\n"
        with socket.create_connection(("127.0.0.1", open_server.port)) as slow:
            slow.sendall(f"{head}Content-Type: application/json\r\n\r\n{{".encode())
            assert wire.call("process_text", {"text": "x"}).output

    def test_garbage_on_the_port_is_survived(self, open_server: HttpServer, modern: Wire) -> None:
        for garbage in (b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/9.9\r\n\r\n", b"\r\n\r\n", b"POST /mcp\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", open_server.port)) as raw:
                raw.sendall(garbage)
        assert modern.get("/live").status == 200


class TestStdio:
    def test_what_was_read_is_answered_when_stdin_closes(self, speak: Speak, era: str) -> None:
        stdio = speak(era=era, MCP_ENABLE_WRITES=True)
        started = stdio.call("start_operation", SLOW).output["operation_id"]
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
        ended(stdio)

    def test_a_call_longer_than_2_s_does_not_keep_it_alive(self, speak: Speak, era: str) -> None:
        stdio = speak(era=era, MCP_ENABLE_WRITES=True)
        started = stdio.call("start_operation", SLOW).output["operation_id"]
        arguments = {"operation_id": started, "wait_seconds": 20}
        for _ in range(2):
            stdio.send("tools/call", {"name": "check_operation_status", "arguments": arguments})
        stdio.close()
        before = time.monotonic()
        assert stdio.process.wait() == 0
        assert time.monotonic() - before < 8
        ended(stdio)

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
    def test_a_signal_lets_what_runs_finish(self, speak: Speak, own_records: Records, era: str, number: int) -> None:
        own_records.script("slow", Answer(hang=True))
        settings = {"MCP_API_TIMEOUT_SECONDS": 15, "MCP_RETRY_ATTEMPTS": 1}
        stdio = speak(era=era, MCP_API_BASE_URL=own_records.url, **settings)
        call = stdio.send("tools/call", {"name": "lookup_record", "arguments": {"record_id": "slow"}})
        until(lambda: own_records.tries("slow"), "the call runs")
        stdio.process.send_signal(number)
        stdio.process.log.wait("server.stopping")
        time.sleep(1)
        assert stdio.process.running
        own_records.release()
        assert stdio.reply(call).tool_error["code"] == "dependency_unavailable"
        assert stdio.process.wait() == 0
        ended(stdio)

    def test_a_second_signal_ends_at_once(self, speak: Speak, own_records: Records) -> None:
        own_records.script("slow", Answer(hang=True))
        stdio = speak(MCP_API_BASE_URL=own_records.url, MCP_API_TIMEOUT_SECONDS=25)
        stdio.send("tools/call", {"name": "lookup_record", "arguments": {"record_id": "slow"}})
        until(lambda: own_records.tries("slow"), "the call runs")
        stdio.process.send_signal(signal.SIGINT)
        stdio.process.log.wait("server.stopping")
        stdio.process.send_signal(signal.SIGTERM)
        time.sleep(1)
        assert stdio.process.running
        before = time.monotonic()
        stdio.process.send_signal(signal.SIGINT)
        stdio.process.wait()
        assert time.monotonic() - before < 5

    def test_the_grace_ends_what_does_not_finish(self, speak: Speak, own_records: Records, era: str) -> None:
        own_records.script("slow", Answer(hang=True))
        settings = {"MCP_API_TIMEOUT_SECONDS": 25, "MCP_SHUTDOWN_GRACE_SECONDS": 1}
        stdio = speak(era=era, MCP_API_BASE_URL=own_records.url, **settings)
        stdio.send("tools/call", {"name": "lookup_record", "arguments": {"record_id": "slow"}})
        until(lambda: own_records.tries("slow"), "the call runs")
        before = time.monotonic()
        stdio.process.send_signal(signal.SIGTERM)
        assert stdio.process.wait() == 0
        assert time.monotonic() - before < 10
        ended(stdio)

    def test_a_collector_holds_up_no_end(self, speak: Speak, collector: str) -> None:
        stdio = speak(OTEL_EXPORTER_OTLP_ENDPOINT=collector, OTEL_BSP_SCHEDULE_DELAY=100)
        assert stdio.call("process_text", {"text": "x"}).output
        stdio.close()
        before = time.monotonic()
        assert stdio.process.wait() == 0
        assert time.monotonic() - before < 5, "2 s, and the patience of a busy machine"
        assert "uncaught" not in stdio.process.log.text

    def test_a_cancellation_stops_the_call(self, speak: Speak, own_records: Records, era: str) -> None:
        own_records.script("slow", Answer(hang=True))
        settings = {"MCP_API_BASE_URL": own_records.url, "MCP_API_TIMEOUT_SECONDS": 25, "MCP_MAX_CONCURRENCY": 1}
        stdio = speak(era=era, **settings)
        call = stdio.send("tools/call", {"name": "lookup_record", "arguments": {"record_id": "slow"}})
        until(lambda: own_records.tries("slow"), "the call runs")
        cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": call}}
        stdio.write(json.dumps(cancel))
        before = time.monotonic()
        assert stdio.call("process_text", {"text": "x"}).output["result"] == "x"
        assert time.monotonic() - before < 10, "the only slot is free again"

    def test_an_end_before_the_beginning(self, launcher: Launcher) -> None:
        done = launcher.run()
        assert (done.returncode, done.stdout) == (0, "")


def ended(stdio: Stdio) -> None:
    """Its log says that it stopped, and names no request for it."""
    for event in ("server.stopping", "server.stopped"):
        (line,) = stdio.process.log.find(event)
        assert not line.get("correlation_id"), line
