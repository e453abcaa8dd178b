"""What a process holds: everything a request may need, built once and closed in order."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from .auth.keys import KeySet
from .auth.tokens import TokenVerifier
from .calls import Calls
from .declarations import Contract, Prompt, Resource, Server, Service, Tool
from .lifecycle import Lifecycle
from .limits import RateLimiter
from .observability.metrics import Metrics
from .settings.settings import Settings
from .state.connection import RedisConnection
from .state.memory import MemoryStore
from .state.operations import Operations
from .state.redis import RedisStore, shared_buckets
from .state.store import OperationStore

ContractT = TypeVar("ContractT", bound=Contract)


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """A server with its settings: what is offered, and the parts that every call goes through."""

    server: Server
    settings: Settings
    metrics: Metrics
    lifecycle: Lifecycle
    calls: Calls
    store: OperationStore
    operations: Operations
    redis: RedisConnection | None
    verifier: TokenVerifier | None
    services: dict[type[Service], Service]
    tools: dict[str, Tool[Any, Any]]
    resources: dict[str, Resource]
    prompts: dict[str, Prompt]

    @classmethod
    def build(cls, server: Server, settings: Settings) -> "App":
        """Put the parts together."""
        metrics = Metrics()
        lifecycle = Lifecycle(settings.shutdown_delay_seconds, settings.shutdown_grace_seconds)
        url = settings.secret("state_url")
        shared = (url.load() or "").startswith("redis")
        redis = RedisConnection(url, metrics) if shared else None
        ttl, limit = settings.state_ttl_seconds, settings.rate_limit_per_minute
        store: OperationStore = RedisStore(redis, ttl) if redis else MemoryStore(ttl)
        burst = settings.rate_limit_burst
        limiter = RateLimiter(limit, burst, shared_buckets(redis, limit, burst) if redis else None)
        connected = {kind: kind.connect(settings, metrics) for kind in server.services}
        return cls(
            server=server,
            settings=settings,
            metrics=metrics,
            lifecycle=lifecycle,
            calls=Calls(settings, lifecycle=lifecycle, limiter=limiter, metrics=metrics),
            store=store,
            operations=Operations(store, settings.max_operations),
            redis=redis,
            verifier=_verifier(settings, metrics),
            services={kind: service for kind, service in connected.items() if service},
            tools=_chosen(_offered(server.tools, settings), settings),
            resources=_offered(server.resources, settings),
            prompts=_offered(server.prompts, settings),
        )

    @property
    def capabilities(self) -> tuple[str, ...]:
        """The kinds of things that are registered."""
        kinds = ("prompts", "resources", "tools")
        return tuple(kind for kind in kinds if getattr(self.server, kind))

    @property
    def scopes(self) -> list[str]:
        """Every scope that something offered asks for."""
        tools = {tool.scope for tool in self.tools.values()}
        return sorted(tools | {resource.scope for resource in self.resources.values()})

    def health(self) -> dict[str, str]:
        """Return each check's state, from what is known already: causes no outgoing call."""
        checks = {"server": "healthy", "state": _said(healthy=self.store.healthy)}
        if self.verifier:
            checks["auth"] = _said(healthy=self.verifier.keys.healthy)
        for kind in self.server.services:
            service = self.services.get(kind)
            checks[kind.name] = _said(healthy=service.healthy) if service else "disabled"
        return checks

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the parts; on the way out mark interrupted operations failed, then close the rest."""
        async with AsyncExitStack() as stack:
            for service in self.services.values():
                stack.push_async_callback(service.aclose)
            if self.redis:
                stack.push_async_callback(self.redis.aclose)
                watching = asyncio.create_task(self.redis.watch(self.lifecycle.ready))
                stack.callback(watching.cancel)
            else:
                self.lifecycle.ready()
            stack.push_async_callback(self.operations.aclose)
            yield


def _said(*, healthy: bool) -> str:
    return "healthy" if healthy else "degraded"


def _offered(items: Iterable[ContractT], settings: Settings) -> dict[str, ContractT]:
    """Return what has all that it needs, by name, in order."""
    return {
        item.name: item for item in items if all(getattr(settings, need) for need in item.needs)
    }


def _chosen(tools: dict[str, Tool[Any, Any]], settings: Settings) -> dict[str, Tool[Any, Any]]:
    wanted = set(settings.tools_enabled or tools) - set(settings.tools_disabled)
    return {name: tool for name, tool in tools.items() if name in wanted}


def _verifier(settings: Settings, metrics: Metrics) -> TokenVerifier | None:
    if settings.transport != "http" or settings.auth_mode != "jwt":
        return None
    keys = KeySet(url=settings.auth_jwks_url, path=settings.auth_jwks_file, metrics=metrics)
    return TokenVerifier(settings.auth_issuer or "", settings.audience, keys)
