"""The server's life: starting, ready, stopping (still serving), draining (finishing)."""

from enum import StrEnum

import anyio

from .errors import AppError
from .observability.logs import get_logger

SAME_SIGNAL_SECONDS = 0.5
"""Signals within this time are one: a process group gets it, and make in it passes it on."""

_log = get_logger(__name__)


class Phase(StrEnum):
    """What `/ready` tells the load balancer."""

    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"


class Lifecycle:
    """Knows the phase and the calls in flight."""

    def __init__(self, delay_seconds: float, grace_seconds: float) -> None:
        self.phase = Phase.STARTING
        self.draining = False
        self.delay_seconds = delay_seconds
        self.grace_seconds = grace_seconds
        self._calls = 0
        self._idle = anyio.Event()

    def ready(self) -> None:
        """Say that everything the server needs was in reach once."""
        if self.phase is Phase.STARTING:
            self.phase = Phase.READY

    def enter(self) -> None:
        """Count a call that begins; raises AppError `shutting_down` while draining."""
        if self.draining:
            raise AppError("shutting_down")
        self._calls += 1

    def leave(self) -> None:
        """Count a call that ends."""
        self._calls -= 1
        if not self._calls:
            self._idle.set()

    def stopping(self) -> None:
        """Say that the server is about to stop."""
        if self.phase is not Phase.STOPPING:
            self.phase = Phase.STOPPING
            _log.info("server.stopping", calls_in_flight=self._calls)

    async def stop(self) -> None:
        """Say not ready but serve for the delay, then refuse new calls."""
        self.stopping()
        await anyio.sleep(self.delay_seconds)
        self.draining = True

    async def drain(self) -> None:
        """Wait until the calls in flight are done, at most for the grace."""
        with anyio.move_on_after(self.grace_seconds):
            while self._calls:
                self._idle = anyio.Event()
                await self._idle.wait()
