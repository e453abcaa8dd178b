"""Limits: how often a caller may call (token bucket), how many calls run at once (bulkhead)."""

import math
from collections import Counter, OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import anyio

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


class Slot:
    """A place in a bulkhead, given back once."""

    def __init__(self, give_back: Callable[[], None]) -> None:
        self._give_back: Callable[[], None] | None = give_back

    def release(self) -> None:
        """Give the place back; a second time does nothing."""
        if self._give_back:
            self._give_back()
            self._give_back = None


class Bulkhead:
    """At most `limit` holders at once and `queue` waiting, let in by turns of their keys.

    One key holds at most half of the queue, so that a single caller cannot fill it.
    """

    def __init__(self, limit: int, queue: int = 0) -> None:
        self._limit = limit
        self._free = limit
        self._queue = queue
        self._per_key = math.ceil(queue / 2)
        self._waiting: OrderedDict[str, deque[anyio.Event]] = OrderedDict()

    @property
    def held(self) -> int:
        """How many places are taken."""
        return self._limit - self._free

    @property
    def waiting(self) -> int:
        """How many wait for one."""
        return sum(map(len, self._waiting.values()))

    async def acquire(self, key: str = "", deadline: float = math.inf) -> Slot | None:
        """Return a place, or None when there was none until `deadline` (on the loop's clock).

        Raises AppError `overloaded` when the queue, or the key's share of it, is full.
        """
        if self._free:
            self._free -= 1
            return Slot(self._release)
        mine = self._waiting.get(key, ())
        if self.waiting >= self._queue or len(mine) >= self._per_key:
            raise AppError("overloaded", details={"retry_after_seconds": 1})
        turn = anyio.Event()
        self._waiting.setdefault(key, deque()).append(turn)
        slot = Slot(self._release)
        try:
            with anyio.move_on_at(deadline):
                await turn.wait()
        except BaseException:
            self._give_up(key, turn, slot)
            raise
        if not turn.is_set():
            self._give_up(key, turn, slot)
            return None
        return slot

    def _give_up(self, key: str, turn: anyio.Event, slot: Slot) -> None:
        """Leave the queue; a place that came too late goes to the next."""
        if turn.is_set():
            slot.release()
            return
        self._waiting[key].remove(turn)
        if not self._waiting[key]:
            del self._waiting[key]

    def _release(self) -> None:
        if not self._waiting:
            self._free += 1
            return
        key, turns = next(iter(self._waiting.items()))
        turns.popleft().set()
        if turns:
            self._waiting.move_to_end(key)
        else:
            del self._waiting[key]


class Waits:
    """Calls that only wait: bounded by caller and in all, since they hold no place elsewhere."""

    def __init__(self, per_caller: int, in_all: int) -> None:
        self._per_caller = per_caller
        self._in_all = in_all
        self._waiting: Counter[str] = Counter()

    @contextmanager
    def one(self, key: str) -> Iterator[bool]:
        """Count a wait; gives False when there are too many, so that the call answers at once."""
        if self._waiting[key] >= self._per_caller or self._waiting.total() >= self._in_all:
            yield False
            return
        self._waiting[key] += 1
        try:
            yield True
        finally:
            self._waiting[key] -= 1
            self._waiting += Counter()  # forget callers that wait no more
