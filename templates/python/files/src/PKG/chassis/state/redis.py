"""State that replicas share: operations and rate limits in Redis.

Each script is atomic, and all keys of one server hash to one slot. Keys hold digests, no names.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import cast

from .. import NAME
from ..errors import AppError
from .connection import RedisConnection
from .store import KEPT, KEPT_OF_OWNER, Operation, Request, Status

LEASE_SECONDS = 15
"""An operation without a sign of its worker for this long is failed."""

_PREFIX = f"{{{NAME}}}:"


def _script(name: str) -> str:
    return files(__package__).joinpath(f"{name}.lua").read_text(encoding="utf-8")


_CREATE, _TOUCH, _TAKE = map(_script, ("create", "touch", "take"))


class RedisStore:
    """Operations shared by replicas: any of them answers, any of them cancels."""

    def __init__(self, connection: RedisConnection, ttl_seconds: int) -> None:
        self._redis = connection
        self._ttl = ttl_seconds

    @property
    def healthy(self) -> bool:
        """Whether Redis answered when last asked."""
        return self._redis.healthy

    async def create(self, request: Request) -> Operation:
        """Store a new operation, or return the one made before."""
        key = request.idempotency_key
        answer = await self._redis.script(
            _CREATE,
            [_PREFIX],
            _PREFIX,
            request.operation_id,
            request.owner,
            request.fingerprint,
            f"{request.owner}:{key}" if key else "",
            request.limit,
            self._ttl,
            LEASE_SECONDS,
        )
        if answer == "conflict":
            raise AppError("state_conflict", "idempotency_key: already used with other arguments")
        if answer == "too_many":
            raise AppError("too_many_operations")
        if answer == request.operation_id:
            return Operation(answer)
        return await self.get(request.owner, answer) or Operation(answer, "failed")

    async def get(self, owner: str, operation_id: str) -> Operation | None:
        """Return the owner's operation; one whose worker is gone reads `failed`."""
        return await self._touch(owner, operation_id)

    async def update(self, owner: str, operation: Operation) -> bool:
        """Replace a running operation and renew its lease."""
        now = await self._touch(owner, operation.id, operation)
        return now is not None and now.status == operation.status

    async def _touch(
        self, owner: str, operation_id: str, new: Operation | None = None
    ) -> Operation | None:
        """Return the owner's operation, replaced by `new` if it has not ended."""
        change: tuple[str | float, ...] = ("", "", "", 0)
        if new:
            result = "" if new.result is None else json.dumps(new.result)
            change = (new.status, new.progress, result, int(new.finished))
        bounds = (self._ttl, KEPT_OF_OWNER, KEPT)
        found = await self._redis.script(
            _TOUCH, [_PREFIX], _PREFIX, operation_id, owner, LEASE_SECONDS, *change, *bounds
        )
        if found is None:
            return None
        status, progress, result = found
        return Operation(
            operation_id,
            cast("Status", status),
            float(progress),
            json.loads(result) if result else None,
        )


def shared_buckets(
    connection: RedisConnection, per_minute: int, burst: int
) -> Callable[[str], Awaitable[float | None]]:
    """Return a function that takes a token from the bucket of a caller in Redis."""

    async def take(caller: str) -> float | None:
        if not connection.healthy:
            return None
        name = f"{_PREFIX}rate:{hashlib.sha256(caller.encode()).hexdigest()}"
        try:
            return float(await connection.script(_TAKE, [name], per_minute / 60, burst))
        except AppError:
            return None

    return take
