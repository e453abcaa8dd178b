"""The store of a single process."""

import time
from collections import Counter, OrderedDict, deque
from dataclasses import dataclass

from ..errors import AppError
from .store import KEPT, KEPT_OF_OWNER, Operation, Request


@dataclass(slots=True)
class _Entry:
    request: Request
    operation: Operation


class MemoryStore:
    """Operations of this process; they end with it."""

    healthy = True

    def __init__(self, ttl_seconds: float) -> None:
        self._ttl = ttl_seconds
        self._entries: dict[str, _Entry] = {}
        self._keys: dict[tuple[str, str], str] = {}
        self._running: Counter[str] = Counter()
        self._finished: OrderedDict[str, float] = OrderedDict()  # to when; the oldest first
        self._finished_of: dict[str, deque[str]] = {}

    async def create(self, request: Request) -> Operation:
        """Store a new operation, or return the one made before."""
        self._expire()
        key = (request.owner, request.idempotency_key or "")
        if known := self._entries.get(self._keys.get(key, "")):
            if known.request.fingerprint == request.fingerprint:
                return known.operation
            raise AppError("state_conflict", "idempotency_key: already used with other arguments")
        if self._running[request.owner] >= request.limit:
            raise AppError("too_many_operations")
        self._running[request.owner] += 1
        operation = Operation(request.operation_id)
        self._entries[operation.id] = _Entry(request, operation)
        if request.idempotency_key:
            self._keys[key] = operation.id
        return operation

    async def get(self, owner: str, operation_id: str) -> Operation | None:
        """Return the owner's operation."""
        self._expire()
        entry = self._entries.get(operation_id)
        return entry.operation if entry and entry.request.owner == owner else None

    async def update(self, owner: str, operation: Operation) -> bool:
        """Replace a running operation."""
        entry = self._entries.get(operation.id)
        if entry is None or entry.request.owner != owner or entry.operation.finished:
            return False
        entry.operation = operation
        if operation.finished:
            self._finish(operation.id, owner)
        return True

    def _finish(self, operation_id: str, owner: str) -> None:
        self._running[owner] -= 1
        self._running += Counter()  # forget owners without any
        self._finished[operation_id] = time.monotonic() + self._ttl
        own = self._finished_of.setdefault(owner, deque())
        own.append(operation_id)
        if len(own) > KEPT_OF_OWNER:
            self._forget(own[0])
        if len(self._finished) > KEPT:
            self._forget(next(iter(self._finished)))

    def _expire(self) -> None:
        now = time.monotonic()
        while self._finished and next(iter(self._finished.values())) <= now:
            self._forget(next(iter(self._finished)))

    def _forget(self, operation_id: str) -> None:
        """Drop an operation that is the oldest finished one of its owner."""
        request = self._entries.pop(operation_id).request
        self._keys.pop((request.owner, request.idempotency_key or ""), None)
        del self._finished[operation_id]
        own = self._finished_of[request.owner]
        own.popleft()
        if not own:
            del self._finished_of[request.owner]
