"""Section 4: connections: what a slow, idle or greedy one may do, and where the server listens."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import httpx2

if TYPE_CHECKING:
    from conftest import Connect, Serve
    from kit.process import HttpServer
    from kit.wire import Wire

SLOW_HEADS = 200


def closed(connection: socket.socket) -> bool:
    """Whether the other side has ended this connection; what it said before is passed over."""
    try:
        while connection.recv(65536):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def test_a_head_has_30_seconds(serve: Serve, connect: Connect) -> None:
    server = serve()
    begun = time.monotonic()
    slow = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(SLOW_HEADS)]
    for connection in slow:
        connection.sendall(b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        connection.settimeout(0)
    wire = connect(server)
    left = slow
    while left and time.monotonic() - begun < 60:
        assert wire.call("process_text", {"text": "x"}).output, "others are served"
        for connection in left:
            with suppress(OSError):
                connection.send(b"x")
        left = [connection for connection in left if not closed(connection)]
        time.sleep(0.5)
    for connection in slow:
        connection.close()
    assert not left, f"{len(left)} of {SLOW_HEADS} connections are held for ever"


def test_a_head_has_16_kib(open_server: HttpServer, wire: Wire) -> None:
    assert wire.call("process_text", {"text": "x"}, x_long="a" * 14_000).output
    with socket.create_connection(("127.0.0.1", open_server.port), timeout=30) as raw:
        raw.sendall(b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: " + b"a" * 17_000 + b"\r\n\r\n")
        assert raw.recv(65536).split(b"\r\n")[0].split(b" ")[1] == b"431"


def test_an_idle_connection_is_kept(open_server: HttpServer) -> None:
    with socket.create_connection(("127.0.0.1", open_server.port), timeout=30) as kept:
        for pause in (6.5, 0):
            kept.sendall(b"GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            answer = b""
            while not answer.endswith(b"}"):
                answer += (chunk := kept.recv(65536))
                assert chunk, "closed"
            assert answer.startswith(b"HTTP/1.1 200")
            time.sleep(pause)


def test_the_wildcard_of_ipv6_serves_ipv4_too(serve: Serve, connect: Connect, era: str) -> None:
    server = serve(MCP_SERVER_HOST="::", MCP_ALLOW_UNAUTHENTICATED=True, MCP_ALLOWED_HOSTS="127.0.0.1,[::1]")
    assert connect(server, era=era).call("process_text", {"text": "x"}).output
    assert httpx2.get(f"http://[::1]:{server.port}/live", trust_env=False).status_code == 200


def test_an_answer_waits_for_no_acknowledgement(wire: Wire) -> None:
    """Without TCP_NODELAY every answer on a kept connection takes at least 40 ms; the quickest of many tells."""

    def seconds() -> float:
        before = time.perf_counter()
        assert wire.call("process_text", {"text": "x"}).output
        return time.perf_counter() - before

    assert min(seconds() for _ in range(40)) < 0.03
