"""Calls to a service that may fail: retry around circuit breaker around the timeout of a try."""

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
import stamina

from ..errors import dependency_unavailable
from ..observability.logs import get_logger
from ..observability.metrics import Metrics
from .breaker import CircuitBreaker, CircuitOpen, TryFailed

_log = get_logger(__name__)

ResultT = TypeVar("ResultT")


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
