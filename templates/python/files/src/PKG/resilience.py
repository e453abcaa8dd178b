"""Calls to a service that may fail: retry around circuit breaker around the timeout of a try."""

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import TypeVar

import anyio
import stamina

from .errors import dependency_unavailable
from .metrics import Metrics
from .observability import get_logger

_log = get_logger(__name__)

ResultT = TypeVar("ResultT")


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


class Guard:
    """Runs calls to one dependency, for what is safe to repeat."""

    def __init__(
        self,
        dependency: str,
        *,
        breaker: CircuitBreaker,
        attempts: int,
        try_seconds: float,
        metrics: Metrics,
    ) -> None:
        self._dependency = dependency
        self._breaker = breaker
        self._attempts = attempts
        self._try_seconds = try_seconds
        self._metrics = metrics
        metrics.watch_breaker(dependency, lambda: int(breaker.state))

    async def run(self, call: Callable[[], Awaitable[ResultT]]) -> ResultT:
        """Return what `call` returns, trying again while it raises a repeatable TryFailed.

        Raises AppError `dependency_unavailable` when the tries are used up.
        """
        try:
            async for attempt in stamina.retry_context(
                on=_backoff, attempts=self._attempts, timeout=None, wait_max=2.0, wait_jitter=0.2
            ):
                with attempt:
                    return await self._try(call)
        except (TryFailed, CircuitOpen) as error:
            _log.warning(
                "dependency.failed", dependency=self._dependency, reason=str(error) or "open"
            )
        raise dependency_unavailable(self._dependency)

    async def _try(self, call: Callable[[], Awaitable[ResultT]]) -> ResultT:
        started, outcome = time.perf_counter(), "error"
        try:
            with self._breaker.attempt():
                try:
                    with anyio.fail_after(self._try_seconds):
                        result = await call()
                except TimeoutError:
                    raise TryFailed("timed out", outcome="timeout") from None
        except CircuitOpen:
            outcome = "rejected"
            raise
        except TryFailed as failure:
            outcome = failure.outcome
            raise
        except Exception:
            outcome = "success"  # The service answered; what it said is the caller's matter.
            raise
        else:
            outcome = "success"
            return result
        finally:
            self._metrics.dependency_duration.labels(self._dependency, outcome).observe(
                time.perf_counter() - started
            )


def _backoff(error: Exception) -> bool | float:
    """Say whether to try again, or after how many seconds the service asks us to."""
    if not isinstance(error, TryFailed) or not error.repeat:
        return False
    if error.retry_after is None:
        return True
    remaining = anyio.current_effective_deadline() - anyio.current_time()
    return error.retry_after if error.retry_after < remaining else False
