"""The circuit breaker: a service that fails again and again is left alone for a while."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum


class TryFailed(Exception):  # noqa: N818 - says what happened, like TimeoutExpired
    """One try failed through the service's fault.

    `repeat` says whether another may help, `retry_after` after how many seconds the service wants
    it, `outcome` how the try is counted: `error` or `timeout`.
    """

    def __init__(
        self,
        reason: str,
        *,
        repeat: bool = True,
        retry_after: float | None = None,
        outcome: str = "error",
    ) -> None:
        super().__init__(reason)
        self.repeat = repeat
        self.retry_after = retry_after
        self.outcome = outcome


class CircuitOpen(Exception):  # noqa: N818 - a state, not a failure
    """The breaker lets no try through."""


class BreakerState(IntEnum):
    """The state as it is reported in metrics."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class CircuitBreaker:
    """Opens after `failures` failed tries in a row; after `reset_seconds` one try may close it."""

    def __init__(self, failures: int, reset_seconds: float) -> None:
        self._limit = failures
        self._reset_seconds = reset_seconds
        self._failed = 0
        self._opened_at: float | None = None
        self._probing = False

    @property
    def state(self) -> BreakerState:
        """Closed, open, or half-open once the reset time has passed."""
        if self._opened_at is None:
            return BreakerState.CLOSED
        if time.monotonic() - self._opened_at < self._reset_seconds:
            return BreakerState.OPEN
        return BreakerState.HALF_OPEN

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Guard one try: TryFailed counts against the service, every other end of it does not.

        Raises CircuitOpen while open, and while another try probes a half-open breaker.
        """
        probe = self.state is BreakerState.HALF_OPEN
        if self.state is BreakerState.OPEN or (probe and self._probing):
            raise CircuitOpen
        self._probing = probe
        try:
            yield
        except TryFailed:
            self._failed += 1
            if probe or self._failed >= self._limit:
                self._opened_at = time.monotonic()
            raise
        except Exception:
            self._close()
            raise
        else:
            self._close()
        finally:
            # A cancelled probe proves nothing: the next try is the probe.
            if probe:
                self._probing = False

    def _close(self) -> None:
        self._failed = 0
        self._opened_at = None
