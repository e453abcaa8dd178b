"""Who calls, and what the code of a tool, resource or prompt may use while it answers."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

from .errors import dependency_unavailable
from .settings.settings import Settings
from .state.operations import Operations

ServiceT = TypeVar("ServiceT")


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller and what it may do; `scopes` is None for one that may do everything."""

    subject: str
    scopes: frozenset[str] | None = None
    authenticated: bool = False

    def allows(self, scope: str) -> bool:
        """Return whether the caller holds `scope`."""
        return self.scopes is None or scope in self.scopes


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends the current request; `address` stands for callers without a token."""

    principal: Principal
    address: str = "local"

    @property
    def key(self) -> str:
        """What rate limit and queue go by."""
        return self.principal.subject if self.principal.authenticated else self.address


LOCAL = Caller(Principal("local"))
"""The caller on stdio: whoever started the process."""

ANONYMOUS = Principal("anonymous")
"""The caller over HTTP when authentication is off."""

caller: ContextVar[Caller] = ContextVar("caller", default=LOCAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a tool may use."""

    subject: str
    settings: Settings
    operations: Operations
    capabilities: tuple[str, ...] = ()
    """The kinds of things that the server offers."""

    services: Mapping[type[Any], Any]
    report_progress: Callable[[float], Awaitable[None]]
    """Tells the client the share (0-1) that is done; does nothing if it did not ask."""

    waiting: Callable[[], AbstractContextManager[bool]]
    """`with context.waiting() as allowed:` around a wait, during which the call needs no slot."""

    def service(self, kind: type[ServiceT]) -> ServiceT:
        """Return a registered service; raises AppError when the settings leave it out."""
        found = self.services.get(kind)
        if not isinstance(found, kind):
            raise dependency_unavailable(getattr(kind, "name", kind.__name__))
        return found
