"""State that replicas share: operations and rate limits in Redis.

Each script is atomic, and all keys of one server hash to one slot. Keys hold digests, no names.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable
from typing import cast

from . import NAME
from .errors import AppError
from .redis_connection import RedisConnection
from .settings import Settings
from .state import MAX_PER_OWNER, Operation, Request
from .tools.models import Status

LEASE_SECONDS = 15
"""An operation without a sign of its worker for this long is failed."""

_PREFIX = f"{{{NAME}}}:"

_CREATE = """
local id, owner, fingerprint, key, limit, ttl, lease, keep, prefix = unpack(ARGV)
local now = tonumber(redis.call('TIME')[1])
local key_name = prefix .. 'key:' .. owner .. ':' .. key
if key ~= '' then
  local seen = redis.call('HMGET', key_name, 'id', 'fingerprint')
  if seen[1] and seen[2] ~= fingerprint then return 'conflict' end
  if seen[1] and redis.call('EXISTS', prefix .. 'op:' .. seen[1]) == 1 then return seen[1] end
end
local running = prefix .. 'running:' .. owner
redis.call('ZREMRANGEBYSCORE', running, '-inf', now - lease)
if redis.call('ZCARD', running) >= tonumber(limit) then return 'too_many' end
local op, all = prefix .. 'op:' .. id, prefix .. 'all:' .. owner
redis.call('HSET', op, 'owner', owner, 'status', 'started', 'progress', '0', 'result', '',
  'beat', now)
redis.call('EXPIRE', op, ttl)
redis.call('ZADD', running, now, id)
redis.call('EXPIRE', running, ttl)
if redis.call('LPUSH', all, id) > tonumber(keep) then
  redis.call('DEL', prefix .. 'op:' .. redis.call('RPOP', all))
end
redis.call('EXPIRE', all, ttl)
if key ~= '' then
  redis.call('HSET', key_name, 'id', id, 'fingerprint', fingerprint)
  redis.call('EXPIRE', key_name, ttl)
end
return id
"""

_UPDATE = """
local id, status, progress, result, ttl, final, prefix = unpack(ARGV)
local op = prefix .. 'op:' .. id
local current = redis.call('HMGET', op, 'status', 'owner')
if not current[1] or current[1] == 'completed' or current[1] == 'failed'
  or current[1] == 'cancelled' then return 0 end
local now = tonumber(redis.call('TIME')[1])
local running = prefix .. 'running:' .. current[2]
redis.call('HSET', op, 'status', status, 'progress', progress, 'result', result, 'beat', now)
redis.call('EXPIRE', op, ttl)
if final == '1' then
  redis.call('ZREM', running, id)
else
  redis.call('ZADD', running, now, id)
  redis.call('EXPIRE', running, ttl)
end
return 1
"""

_GET = """
local id, owner, lease, prefix = unpack(ARGV)
local op = prefix .. 'op:' .. id
local found = redis.call('HMGET', op, 'owner', 'status', 'progress', 'result', 'beat')
if found[1] ~= owner then return false end
local now = tonumber(redis.call('TIME')[1])
if (found[2] == 'started' or found[2] == 'running') and tonumber(found[5]) < now - lease then
  found[2] = 'failed'
  redis.call('HSET', op, 'status', 'failed')
  redis.call('ZREM', prefix .. 'running:' .. owner, id)
end
return {found[2], found[3], found[4]}
"""

_TAKE = """
local name, rate, burst = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local bucket = redis.call('HMGET', name, 'tokens', 'updated')
local tokens, updated = tonumber(bucket[1] or burst), tonumber(bucket[2] or now)
tokens = math.min(burst, tokens + math.max(0, now - updated) * rate)
local wait = 0
if tokens >= 1 then tokens = tokens - 1 else wait = (1 - tokens) / rate end
redis.call('HSET', name, 'tokens', tostring(tokens), 'updated', string.format('%.6f', now))
redis.call('EXPIRE', name, math.ceil(burst / rate) + 60)
return tostring(wait)
"""


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
        answer = await self._redis.script(
            _CREATE,
            [_PREFIX],
            request.operation_id,
            request.owner,
            request.fingerprint,
            request.idempotency_key or "",
            request.limit,
            self._ttl,
            LEASE_SECONDS,
            MAX_PER_OWNER,
            _PREFIX,
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
        found = await self._redis.script(
            _GET, [_PREFIX], operation_id, owner, LEASE_SECONDS, _PREFIX
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

    async def update(self, operation: Operation) -> bool:
        """Replace a running operation and renew its lease."""
        changed = await self._redis.script(
            _UPDATE,
            [_PREFIX],
            operation.id,
            operation.status,
            operation.progress,
            "" if operation.result is None else json.dumps(operation.result),
            self._ttl,
            int(operation.finished),
            _PREFIX,
        )
        return bool(changed)


def shared_buckets(
    connection: RedisConnection, settings: Settings
) -> Callable[[str], Awaitable[float | None]]:
    """Return a function that takes a token from the bucket of a caller in Redis."""
    rate = settings.rate_limit_per_minute / 60

    async def take(caller: str) -> float | None:
        if not connection.healthy:
            return None
        name = f"{_PREFIX}rate:{hashlib.sha256(caller.encode()).hexdigest()}"
        try:
            return float(await connection.script(_TAKE, [name], rate, settings.rate_limit_burst))
        except AppError:
            return None

    return take
