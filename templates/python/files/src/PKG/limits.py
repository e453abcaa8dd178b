"""Limits: how often a caller may call (token bucket), how many calls run at once (bulkhead)."""

import math
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio
from prometheus_client import Gauge

from .errors import AppError

_MAX_BUCKETS = 10_000

SharedTake = Callable[[str], Awaitable[float | None]]
"""Takes a token from the bucket all replicas share: seconds to wait, None when out of reach."""


class TokenBuckets:
    """A token bucket for each key: `burst` tokens, refilled at `per_minute` / 60 a second."""

    def __init__(self, per_minute: int, burst: int) -> None:
        self.rate = per_minute / 60
        self.burst = burst
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> float:
        """Take a token; return 0, or the seconds until there is one."""
        now = anyio.current_time()
        tokens, updated = self._buckets.pop(key, (float(self.burst), now))
        tokens = min(self.burst, tokens + (now - updated) * self.rate)
        wait = 0.0 if tokens >= 1 else (1 - tokens) / self.rate
        self._buckets[key] = (tokens - 1 if tokens >= 1 else tokens, now)
        if len(self._buckets) > _MAX_BUCKETS:
            self._buckets.popitem(last=False)
        return wait


class RateLimiter:
    """Rate limits by caller, shared between replicas while the state store is in reach."""

    def __init__(self, per_minute: int, burst: int, shared: SharedTake | None = None) -> None:
        self._enabled = per_minute > 0
        self._local = TokenBuckets(per_minute, burst)
        self._shared = shared

    async def check(self, key: str) -> None:
        """Raise AppError `rate_limited` when the caller `key` has no token left."""
        if not self._enabled:
            return
        wait = await self._shared(key) if self._shared else None
        if wait is None:
            wait = self._local.take(key)
        if wait > 0:
            raise AppError("rate_limited", details={"retry_after_seconds": math.ceil(wait)})


class Bulkhead:
    """At most `limit` holders at once and `queue` waiting; one more is refused."""

    def __init__(
        self,
        limit: int,
        queue: int,
        *,
        in_flight: Gauge | None = None,
        queued: Gauge | None = None,
    ) -> None:
        self._slots = anyio.Semaphore(limit, max_value=limit)
        self._queue = queue
        self._waiting = 0
        if in_flight is not None:
            in_flight.set_function(lambda: limit - self._slots.value)
        if queued is not None:
            queued.set_function(lambda: self._waiting)

    @asynccontextmanager
    async def slot(self, deadline: float = math.inf) -> AsyncIterator[None]:
        """Hold a slot, waiting for it until `deadline` (on the loop's clock), then go without.

        Raises AppError `overloaded` when the queue is full.
        """
        held = await self._acquire(deadline)
        try:
            yield
        finally:
            if held:
                self._slots.release()

    async def _acquire(self, deadline: float) -> bool:
        try:
            self._slots.acquire_nowait()
        except anyio.WouldBlock:
            if self._waiting >= self._queue:
                raise AppError("overloaded", details={"retry_after_seconds": 1}) from None
        else:
            return True
        self._waiting += 1
        try:
            with anyio.move_on_at(deadline):
                await self._slots.acquire()
                return True
        finally:
            self._waiting -= 1
        return False
