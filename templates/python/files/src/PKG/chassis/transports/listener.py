"""The HTTP listener: uvicorn, taught to bound a request's head and to stop in good order."""

import asyncio
import contextvars
import os
import signal
import socket
import time
from asyncio.events import TimerHandle
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from types import FrameType

import uvicorn
from sse_starlette.sse import AppStatus
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ..lifecycle import SAME_SIGNAL_SECONDS, Lifecycle
from ..observability.logs import get_logger

_IDLE_SECONDS = 75
"""Longer than load balancers keep a connection (60 s), so that none is closed under a request."""

_HEAD_SECONDS = 30
_HEAD_BYTES = 16_384

_log = get_logger(__name__)


class Protocol(HttpToolsProtocol):
    """One connection: a request's head takes 30 s and 16 KiB at most."""

    _in_head = False
    _head_bytes = 0
    _timer: TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        """Wait for a first request as long as for a next one."""
        super().connection_made(transport)
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._end_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, and see how long a head has become that is not complete yet."""
        idle = self.cycle is None or self.cycle.response_complete
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if idle and self._in_head and not self._head_bytes:
            self._head_bytes = len(data)
        if self._in_head and self._head_bytes > _HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        """Begin a head."""
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0
        self._timer = self.loop.call_later(_HEAD_SECONDS, self._refuse, HTTPStatus.REQUEST_TIMEOUT)

    def on_headers_complete(self) -> None:
        """Serve the request unless its head is too long."""
        self._end_head()
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > _HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            return
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body, unless the head was refused."""
        if not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Take the end of the body, unless the head was refused."""
        if not self.transport.is_closing():
            super().on_message_complete()

    def _end_head(self) -> None:
        self._in_head = False
        if self._timer:
            self._timer.cancel()

    def _refuse(self, status: HTTPStatus) -> None:
        self._end_head()
        if not self.transport.is_closing():
            head = f"HTTP/1.1 {status} {status.phrase}\r\nconnection: close\r\ncontent-length: 0"
            self.transport.write(f"{head}\r\n\r\n".encode())
            self.transport.close()


class Listener(uvicorn.Server):
    """Stops on SIGTERM or SIGINT: not ready, then draining, then closed; the process exits 0."""

    def __init__(self, app: ASGIApp, lifecycle: Lifecycle) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=Protocol,
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                reset_contextvars=True,
                timeout_keep_alive=_IDLE_SECONDS,
                timeout_graceful_shutdown=1,
            )
        )
        # It would end every stream at the signal; answers in flight are streams, too.
        AppStatus.disable_automatic_graceful_drain()  # type: ignore[no-untyped-call]
        self._lifecycle = lifecycle
        self._stopping: asyncio.Task[None] | None = None
        self._told_at: float | None = None
        self._context = contextvars.copy_context()

    @property
    def connections(self) -> int:
        """The number of open connections."""
        return len(self.server_state.connections)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to serve and say where."""
        await super().startup(sockets)
        for listening in sockets or ():
            host, port = listening.getsockname()[:2]
            _log.info("server.started", transport="http", host=host, port=port)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish the calls in flight, close the connections, end the application's lifespan."""
        for server in self.servers:
            server.close()
        await self._lifecycle.drain()
        AppStatus.should_exit = True
        await super().shutdown(sockets)
        _log.info("server.stopped")

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle signals without raising them again afterwards, as uvicorn would."""
        handled = (signal.SIGINT, signal.SIGTERM)
        previous = {number: signal.signal(number, self.handle_exit) for number in handled}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's
        """Begin to stop; a second signal ends the process at once."""
        now = time.monotonic()
        if self._told_at is not None:
            if now - self._told_at > SAME_SIGNAL_SECONDS:
                os._exit(1)
            return
        self._told_at = now
        # A signal comes amidst a request: what is logged from here on is none of its business.
        loop = asyncio.get_running_loop()
        loop.call_soon_threadsafe(self._stop, context=self._context)

    def _stop(self) -> None:
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._lifecycle.stop())
            self._stopping.add_done_callback(self._exit)

    def _exit(self, _: asyncio.Task[None]) -> None:
        self._lifecycle.draining = True
        self.should_exit = True


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; raises OSError when the address cannot be had.

    `::` serves IPv4 too. The protocol is named, because asyncio turns off Nagle's delay (40 ms an
    answer) only on sockets that say they are TCP.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both = host == "::" and socket.has_dualstack_ipv6()
    plain = socket.create_server((host, port), family=family, backlog=2048, dualstack_ipv6=both)
    return socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, fileno=plain.detach())
