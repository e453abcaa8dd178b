"""The HTTP listener: uvicorn, taught to stop in the order that a rolling update needs."""

import asyncio
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from .lifecycle import Lifecycle
from .observability import get_logger

_log = get_logger(__name__)


class Listener(uvicorn.Server):
    """Stops on SIGTERM or SIGINT: not ready, then draining, then closed; the process exits 0."""

    def __init__(self, app: ASGIApp, lifecycle: Lifecycle) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http="httptools",
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                reset_contextvars=True,
                timeout_graceful_shutdown=1,
            )
        )
        self._lifecycle = lifecycle
        self._stopping: asyncio.Task[None] | None = None

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
        """Begin to stop; a second signal does not wait for the delay."""
        loop = asyncio.get_running_loop()
        loop.call_soon_threadsafe(self._stop)

    def _stop(self) -> None:
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._lifecycle.stop())
            self._stopping.add_done_callback(self._exit)
        else:
            self._stopping.cancel()

    def _exit(self, _: asyncio.Task[None]) -> None:
        self._lifecycle.draining = True
        self.should_exit = True


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; raises OSError when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=2048)
