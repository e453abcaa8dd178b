"""The connection to Redis: pooled, bounded in time, aware of whether Redis is in reach."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from .. import NAME
from ..errors import AppError, dependency_unavailable
from ..observability.logs import get_logger
from ..observability.metrics import Metrics
from ..settings.secrets import Secret

DEPENDENCY = "state"

_TIMEOUT_SECONDS = 2.0
_CHECK_SECONDS = 2.0
_PROBE = f"{{{NAME}}}:probe"

_log = get_logger(__name__)

ResultT = TypeVar("ResultT")


class RedisConnection:
    """A pooled connection that knows whether Redis is in reach and follows a rotated URL."""

    def __init__(self, url: Secret, metrics: Metrics) -> None:
        self.healthy = False
        self._secret = url
        self._metrics = metrics
        self._url = ""
        self._client: redis.Redis | None = None

    async def watch(self, reached: Callable[[], None]) -> None:
        """Keep `healthy` true to the facts for ever; call `reached` once Redis first answers."""
        while True:
            try:
                await self._follow_url()
                # A write: a Redis that is full or a replica answers a ping, and is of no use.
                await self.run(lambda client: client.set(_PROBE, "", ex=60))
                reached()
            except AppError:
                pass  # `run` has taken note
            await asyncio.sleep(_CHECK_SECONDS)

    async def run(self, command: Callable[[redis.Redis], Awaitable[ResultT]]) -> ResultT:
        """Return what `command` returns; raises AppError `dependency_unavailable` within 2 s."""
        started, outcome = time.perf_counter(), "error"
        try:
            if self._client is None:
                raise dependency_unavailable(DEPENDENCY)
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                result = await command(self._client)
        except TimeoutError:
            outcome = "timeout"
            self._note(healthy=False, reason="timeout")
            raise dependency_unavailable(DEPENDENCY) from None
        except (RedisError, OSError) as error:
            self._note(healthy=False, reason=type(error).__name__)
            raise dependency_unavailable(DEPENDENCY) from None
        else:
            outcome = "success"
            self._note(healthy=True)
            return result
        finally:
            self._metrics.dependency_duration.labels(DEPENDENCY, outcome).observe(
                time.perf_counter() - started
            )

    async def script(self, text: str, keys: list[str], *args: str | float) -> Any:
        """Run a Lua script, loaded on first use; what it returns depends on the script."""
        return await self.run(lambda client: client.register_script(text)(keys=keys, args=args))

    async def aclose(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()

    def _note(self, *, healthy: bool, reason: str | None = None) -> None:
        if healthy != self.healthy:
            event = "state.available" if healthy else "state.unavailable"
            _log.log(20 if healthy else 30, event, reason=reason)
        self.healthy = healthy

    async def _follow_url(self) -> None:
        url = await self._secret.get() or ""
        if url == self._url:
            return
        previous, self._url = self._client, url
        self._client = redis.Redis.from_url(
            url,
            decode_responses=True,
            socket_timeout=_TIMEOUT_SECONDS,
            socket_connect_timeout=_TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), retries=1),  # a pooled connection may have gone stale
        )
        if previous is not None:
            await previous.aclose()
