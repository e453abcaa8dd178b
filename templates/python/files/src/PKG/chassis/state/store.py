"""Where operations are kept: what every store does."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

Status = Literal["started", "running", "completed", "failed", "cancelled"]
TERMINAL: frozenset[Status] = frozenset({"completed", "failed", "cancelled"})

KEPT_OF_OWNER = 1_000
"""Finished operations kept for one owner; the oldest makes room. What runs is never dropped."""

KEPT = 10_000
"""Finished operations kept in all."""


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
    """Keeps operations for a time after their last change; an idempotency key lives as long.

    Every method raises AppError `dependency_unavailable` when it cannot.
    """

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

    async def update(self, owner: str, operation: Operation) -> bool:
        """Replace the owner's running operation; False when it is gone or has finished.

        Also proves that its worker lives: without an update for a lease it is failed.
        """
