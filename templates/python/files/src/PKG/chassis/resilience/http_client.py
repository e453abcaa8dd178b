"""Outgoing HTTP: one pooled client a service, everything about it bounded.

Nothing of a caller's request goes along but the trace context; no cookie is kept, no redirect
followed. The standard proxy variables are honoured, but never for this machine.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx2

from .. import NAME, VERSION, strict_json
from ..declarations import Service
from ..errors import AppError, dependency_unavailable
from ..limits import Bulkhead
from ..observability.metrics import Metrics
from ..observability.tracing import outgoing_span
from ..settings.secrets import Secret
from ..settings.settings import Settings
from ..text import clean
from .breaker import BreakerState, CircuitBreaker, TryFailed
from .guard import Guard

_REPEATABLE = frozenset({408, 429, 500, 502, 503, 504})
_DIRECT = ("all://127.0.0.1", "all://localhost", "all://[::1]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """Where a service is and how much of it is used."""

    base_url: str
    key: Secret
    """Sent as a bearer token."""

    timeout_seconds: float
    """For one try."""

    max_concurrency: int
    """Calls at once; one more fails at once, so that a hanging service starves nobody else."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service answered for good: `json` is cleaned, and None unless the status is 2xx."""

    status: int
    json: Any = None


class HttpService(Service):
    """Base of a service over HTTP: give it a `name`, a `connect` and methods that `get`."""

    def __init__(self, remote: Remote, settings: Settings, metrics: Metrics) -> None:
        self._base_url = remote.base_url.rstrip("/")
        self._key = remote.key
        self._max_bytes = settings.max_result_bytes
        self._metrics = metrics
        self._breaker = CircuitBreaker(settings.breaker_failures, settings.breaker_reset_seconds)
        self._bulkhead = Bulkhead(remote.max_concurrency)
        self._client = pooled_client(remote.timeout_seconds, remote.max_concurrency)
        self._guard = Guard(
            self.name,
            breaker=self._breaker,
            attempts=settings.retry_attempts,
            try_seconds=remote.timeout_seconds,
            metrics=metrics,
        )

    @property
    def healthy(self) -> bool:
        """Whether the last calls went well, as far as the breaker knows."""
        return self._breaker.state is BreakerState.CLOSED

    async def aclose(self) -> None:
        """Close the pooled connections."""
        await self._client.aclose()

    async def get(self, path: str, *, route: str) -> Answer:
        """Return the answer to a GET of `path`, tried again while that may help.

        `route` names the path without its values, for traces. Raises AppError
        `dependency_unavailable`.
        """
        try:
            slot = await self._bulkhead.acquire()
        except AppError:
            self._metrics.dependency_duration.labels(self.name, "rejected").observe(0)
            raise self.unavailable() from None
        try:
            answer = await self._guard.run(lambda: self._try("GET", path, route))
        finally:
            if slot:
                slot.release()
        if answer is None:
            raise self.unavailable()
        return answer

    def unavailable(self) -> AppError:
        """Return the error that this service cannot be used."""
        return dependency_unavailable(self.name)

    async def _try(self, method: str, path: str, route: str) -> Answer | None:
        headers: dict[str, str] = {}
        if key := await self._key.get():
            headers["Authorization"] = f"Bearer {key}"
        try:
            with outgoing_span(f"{method} {route}", headers):
                async with self._client.stream(
                    method, f"{self._base_url}{path}", headers=headers
                ) as response:
                    return await self._read(response)
        except httpx2.TimeoutException:
            raise TryFailed("timed out", outcome="timeout") from None
        except httpx2.HTTPError as error:
            raise TryFailed(type(error).__name__) from None

    async def _read(self, response: httpx2.Response) -> Answer | None:
        """Return what the service says, or None for a body that nobody can use."""
        status = response.status_code
        if status in _REPEATABLE:
            raise TryFailed(f"status {status}", retry_after=_retry_after(response))
        if not response.is_success:
            return Answer(status)
        try:
            body = await read_bounded(response, self._max_bytes)
            return Answer(status, clean(strict_json.loads(body)))
        except ValueError:
            return None


def pooled_client(timeout_seconds: float, max_connections: int = 1) -> httpx2.AsyncClient:
    """Return a client for one service."""
    return httpx2.AsyncClient(
        follow_redirects=False,
        timeout=timeout_seconds,
        limits=httpx2.Limits(max_connections=max_connections),
        headers={"Accept": "application/json", "User-Agent": f"{NAME}/{VERSION}"},
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        mounts=dict.fromkeys(_DIRECT),
    )


async def read_bounded(response: httpx2.Response, limit: int) -> bytes:
    """Return the body; raises ValueError when it is longer than `limit` bytes."""
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > limit:
            raise ValueError("too large")
    return bytes(body)


def _retry_after(response: httpx2.Response) -> float | None:
    """Return the seconds that the service asks to wait: the header holds seconds or a date."""
    value = response.headers.get("retry-after", "")
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (when.replace(tzinfo=when.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
