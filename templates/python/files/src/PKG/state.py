"""Where operations are kept: the interface, and the store for a single process."""

import dataclasses
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Protocol

from .errors import AppError
from .tools.models import TERMINAL, Status

MAX_PER_OWNER = 1_000
"""Operations kept for one owner; the oldest finished ones make room."""

_MAX_ENTRIES = 10_000


@dataclass(frozen=True, slots=True)
class Operation:
    """A snapshot of an operation; `result` is set once it is completed."""

    id: str
    status: Status = "started"
    progress: float = 0.0
    result: dict[str, Any] | None = None

    @property
    def finished(self) -> bool:
        """Whether the status is final."""
        return self.status in TERMINAL


@dataclass(frozen=True, slots=True)
class Request:
    """A wish to start an operation.

    `fingerprint` is equal for equal arguments, `limit` the number that may run for the owner.
    """

    owner: str
    operation_id: str
    fingerprint: str
    idempotency_key: str | None
    limit: int


class OperationStore(Protocol):
    """Keeps operations for a time. Every method raises `dependency_unavailable` when it cannot."""

    @property
    def healthy(self) -> bool:
        """Whether the store was in reach when last used; causes no call."""

    async def create(self, request: Request) -> Operation:
        """Store a new operation, or return the one that the same key and arguments made before.

        Raises AppError `state_conflict` for a key used with other arguments, and
        `too_many_operations`.
        """

    async def get(self, owner: str, operation_id: str) -> Operation | None:
        """Return the owner's operation."""

    async def update(self, operation: Operation) -> bool:
        """Replace a running operation; False when it is gone or has finished meanwhile.

        Also proves that its worker lives: without an update for `LEASE_SECONDS` it is failed.
        """


@dataclass(slots=True)
class _Entry:
    owner: str
    operation: Operation
    expires: float


class MemoryStore:
    """Operations of this process; they end with it."""

    healthy = True

    def __init__(self, ttl_seconds: float) -> None:
        self._ttl = ttl_seconds
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._keys: OrderedDict[tuple[str, str], tuple[str, str, float]] = OrderedDict()

    async def create(self, request: Request) -> Operation:
        """Store a new operation, or return the one made before."""
        now = time.monotonic()
        self._expire(now)
        key = (request.owner, request.idempotency_key or "")
        if known := self._keys.get(key):
            operation_id, fingerprint, _ = known
            if fingerprint != request.fingerprint:
                raise AppError(
                    "state_conflict", "idempotency_key: already used with other arguments"
                )
            if entry := self._entries.get(operation_id):
                return entry.operation
        own = [e.operation for e in self._entries.values() if e.owner == request.owner]
        if sum(not operation.finished for operation in own) >= request.limit:
            raise AppError("too_many_operations")
        if len(own) >= MAX_PER_OWNER:
            self._evict(request.owner)
        if len(self._entries) >= _MAX_ENTRIES:
            self._evict(None)
        operation = Operation(request.operation_id)
        self._entries[operation.id] = _Entry(request.owner, operation, now + self._ttl)
        if request.idempotency_key:
            self._keys[key] = (operation.id, request.fingerprint, now + self._ttl)
        return operation

    async def get(self, owner: str, operation_id: str) -> Operation | None:
        """Return the owner's operation."""
        self._expire(time.monotonic())
        entry = self._entries.get(operation_id)
        return entry.operation if entry and entry.owner == owner else None

    async def update(self, operation: Operation) -> bool:
        """Replace a running operation."""
        entry = self._entries.get(operation.id)
        if entry is None or entry.operation.finished:
            return False
        self._entries[operation.id] = dataclasses.replace(
            entry, operation=operation, expires=time.monotonic() + self._ttl
        )
        self._entries.move_to_end(operation.id)
        return True

    def _expire(self, now: float) -> None:
        """Drop what is past its time; both maps are ordered by it."""
        while self._entries and next(iter(self._entries.values())).expires <= now:
            self._entries.popitem(last=False)
        while self._keys and next(iter(self._keys.values()))[2] <= now:
            self._keys.popitem(last=False)

    def _evict(self, owner: str | None) -> None:
        """Drop the oldest finished operation, of `owner` or of anyone."""
        for operation_id, entry in self._entries.items():
            if entry.operation.finished and owner in {None, entry.owner}:
                del self._entries[operation_id]
                return
        raise AppError("too_many_operations")
