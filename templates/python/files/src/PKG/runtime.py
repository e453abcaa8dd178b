"""The parts of a server, put together once; running them is one context."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from .auth import KeySet, TokenVerifier
from .credentials import Secret
from .dispatch import Dispatcher
from .lifecycle import Lifecycle
from .limits import RateLimiter
from .metrics import Metrics
from .operations import Operations
from .records import RecordsApi
from .redis_connection import RedisConnection
from .settings import Settings
from .state import MemoryStore, OperationStore
from .state_redis import RedisStore, shared_buckets
from .tools.registry import Resource, Tool, enabled_resources, enabled_tools


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """Everything a request may need."""

    settings: Settings
    metrics: Metrics
    lifecycle: Lifecycle
    dispatcher: Dispatcher
    store: OperationStore
    operations: Operations
    records: RecordsApi | None
    verifier: TokenVerifier | None
    redis: RedisConnection | None
    tools: dict[str, Tool]
    resources: dict[str, Resource]

    @classmethod
    def build(cls, settings: Settings) -> "Runtime":
        """Put the parts together; raises OSError when the file of a secret cannot be read."""
        metrics = Metrics()
        lifecycle = Lifecycle(settings.shutdown_delay_seconds, settings.shutdown_grace_seconds)
        redis = _redis(settings, metrics)
        store: OperationStore = (
            RedisStore(redis, settings.state_ttl_seconds)
            if redis
            else MemoryStore(settings.state_ttl_seconds)
        )
        limiter = RateLimiter(
            settings.rate_limit_per_minute,
            settings.rate_limit_burst,
            shared_buckets(redis, settings) if redis else None,
        )
        return cls(
            settings=settings,
            metrics=metrics,
            lifecycle=lifecycle,
            dispatcher=Dispatcher(settings, lifecycle=lifecycle, limiter=limiter, metrics=metrics),
            store=store,
            operations=Operations(store, settings.max_operations),
            records=_records(settings, metrics),
            verifier=_verifier(settings),
            redis=redis,
            tools=enabled_tools(settings),
            resources=enabled_resources(settings),
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the parts; on the way out mark interrupted operations failed, then close the rest."""
        async with AsyncExitStack() as stack:
            if self.records:
                stack.push_async_callback(self.records.aclose)
            if self.redis:
                stack.push_async_callback(self.redis.aclose)
                watching = asyncio.create_task(self.redis.watch(self.lifecycle.ready))
                stack.callback(watching.cancel)
            else:
                self.lifecycle.ready()
            stack.push_async_callback(self.operations.aclose)
            yield


def _verifier(settings: Settings) -> TokenVerifier | None:
    if settings.transport != "http" or settings.auth_mode != "jwt":
        return None
    keys = KeySet(url=settings.auth_jwks_url, path=settings.auth_jwks_file)
    return TokenVerifier(settings, keys)


def _records(settings: Settings, metrics: Metrics) -> RecordsApi | None:
    if settings.api_base_url is None:
        return None
    key = Secret("MCP_API_KEY", settings.api_key, settings.api_key_file)
    key.load()
    return RecordsApi(settings, settings.api_base_url, key, metrics)


def _redis(settings: Settings, metrics: Metrics) -> RedisConnection | None:
    url = Secret("MCP_STATE_URL", settings.state_url, settings.state_url_file)
    return (
        None if (url.load() or "memory:").startswith("memory:") else RedisConnection(url, metrics)
    )
