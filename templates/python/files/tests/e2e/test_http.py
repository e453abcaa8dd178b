"""The real process on HTTP: the official client, the endpoints, the way it ends."""

import http.client
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.e2e.conversation import converse
from tests.fixtures.issuer import Issuer
from tests.fixtures.process import Server, http_server
from tests.fixtures.wire import ERAS, answer, request

SCOPES = ("echo:read", "pause:read", "change:write", "facts:read")
needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")


@pytest.fixture(scope="module")
def everywhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on every address of this machine."""
    host = "::" if socket.has_dualstack_ipv6() else "0.0.0.0"
    settings = {
        "MCP_SERVER_HOST": host,
        "MCP_ALLOW_UNAUTHENTICATED": "true",
        "MCP_RATE_LIMIT_PER_MINUTE": "0",
    }
    with http_server(tmp_path_factory.mktemp("server") / "server.log", **settings) as server:
        yield server


@pytest.mark.parametrize("era", ERAS)
async def test_the_official_client(era: str, issuer: Issuer, tmp_path: Path) -> None:
    settings = issuer.settings() | {"MCP_ENABLE_WRITES": "true"}
    authorization = {"Authorization": f"Bearer {issuer.token(*SCOPES)}"}
    with http_server(tmp_path / "server.log", **settings) as server:
        async with httpx2.AsyncClient(headers=authorization, timeout=30) as http_client:
            transport = streamable_http_client(f"{server.url}/mcp", http_client=http_client)
            async with Client(transport, mode=ERAS[era]) as client:
                await converse(client, era)
        calls = [each for each in server.events() if each["event"] == "audit.tool_called"]
        assert httpx2.get(f"{server.url}/ready").json() == {"status": "ready"}
        assert httpx2.get(f"{server.url}/health").json()["status"] == "healthy"
        metrics = httpx2.get(f"{server.url}/metrics").text

    assert calls
    assert {each["subject"] for each in calls} == {"alice"}
    assert 'mcp_tool_calls_total{outcome="success",tool="echo"} 1.0' in metrics
    assert re.search(r"^mcp_open_connections [1-9]", metrics, re.MULTILINE)


class Calling(threading.Thread):
    """A call of `pause` in flight."""

    def __init__(self, server: Server, era: str, seconds: float) -> None:
        super().__init__()
        self._url = f"{server.url}/mcp"
        headers, self._body = request(
            "tools/call", era, name="pause", arguments={"seconds": seconds}
        )
        self._headers = headers | {"X-Request-ID": "in-flight"}
        self.answer: httpx2.Response | None = None
        self.start()
        while b"mcp_tool_calls_in_flight 1" not in httpx2.get(f"{server.url}/metrics").content:
            time.sleep(0.01)

    def run(self) -> None:
        try:
            self.answer = httpx2.post(
                self._url, headers=self._headers, content=self._body, timeout=30
            )
        except httpx2.HTTPError:
            return  # the server went away


@needs_signals
@pytest.mark.parametrize("delay", ["0", "1"])
@pytest.mark.parametrize("era", ERAS)
def test_a_signal_lets_calls_finish(era: str, delay: str, tmp_path: Path) -> None:
    settings = {"MCP_SHUTDOWN_DELAY_SECONDS": delay}
    with http_server(tmp_path / "server.log", **settings) as server:
        call = Calling(server, era, seconds=2)
        server.process.terminate()
        if delay != "0":
            while httpx2.get(f"{server.url}/ready").json() != {"status": "stopping"}:
                assert server.process.poll() is None
            assert httpx2.get(f"{server.url}/live").status_code == 200
        call.join()
        assert server.process.wait(timeout=10) == 0
        events = {each["event"]: each for each in server.events()}

    assert call.answer
    assert answer(call.answer.text)["result"]["structuredContent"] == {"waited": False}
    assert list(events).index("server.stopping") < list(events).index("server.stopped")
    assert events["server.stopping"]["correlation_id"] is None


@needs_signals
def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    with http_server(tmp_path / "server.log") as server:
        call = Calling(server, "2026-07-28", seconds=30)
        server.process.send_signal(signal.SIGINT)
        server.process.send_signal(signal.SIGTERM)  # the same wish, as make passes it on
        time.sleep(1)
        assert server.process.poll() is None
        server.process.send_signal(signal.SIGINT)
        server.process.wait(timeout=2)
        call.join()


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with (
            pytest.raises(AssertionError, match=r"server\.failed"),
            http_server(tmp_path / "server.log", MCP_SERVER_PORT=port),
        ):
            pass


def connect(server: Server) -> socket.socket:
    address = urlsplit(server.url)
    assert address.hostname
    return socket.create_connection((address.hostname, address.port or 0), timeout=10)


@pytest.mark.parametrize(
    "head",
    [
        b"GET /live HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * 17_000 + b"\r\n\r\n",
        b"GET /live HTTP/1.1\r\nHost: localhost\r\n" + b"X-Many: x\r\n" * 2_000 + b"\r\n",
        b"GET /live HTTP/1.1\r\nHost: localhost\r\nX-Endless: " + b"x" * 80_000,
        b"GET /live?" + b"x" * 17_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
)
def test_a_head_that_is_too_long_is_refused(head: bytes, everywhere: Server) -> None:
    with connect(everywhere) as connection:
        connection.sendall(head)
        assert connection.recv(100).startswith(b"HTTP/1.1 431 ")
    assert httpx2.get(f"{everywhere.url}/live").status_code == 200


def test_small_answers_are_not_held_back(everywhere: Server) -> None:
    """Without TCP_NODELAY each takes 40 ms on a kept connection, whatever the machine."""
    headers, body = request("tools/call", name="echo", arguments={"text": "hello"})
    connection = http.client.HTTPConnection(urlsplit(everywhere.url).netloc)
    times = []
    for _ in range(40):
        began = time.perf_counter()
        connection.request("POST", "/mcp", body, headers)
        connection.getresponse().read()
        times.append(time.perf_counter() - began)
    connection.close()

    assert min(times[20:]) < 0.035, "answers of a connection that is warm"


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6")
def test_the_ipv6_wildcard_serves_ipv4_too(everywhere: Server) -> None:
    port = urlsplit(everywhere.url).port
    assert httpx2.get(f"http://127.0.0.1:{port}/live").status_code == 200
    assert httpx2.get(f"http://[::1]:{port}/live").status_code == 200
