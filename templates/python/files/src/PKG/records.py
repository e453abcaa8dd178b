"""The sample's external service: one pooled client, everything about it bounded."""

import json
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2

from . import NAME, __version__
from .credentials import Secret
from .errors import AppError, dependency_unavailable
from .limits import Bulkhead
from .metrics import Metrics
from .resilience import BreakerState, CircuitBreaker, Guard, TryFailed
from .settings import Settings
from .tracing import outgoing_span

DEPENDENCY = "external_api"
_REPEATABLE = frozenset({429, 502, 503, 504})
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # control sequences, such as colours
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|\x9c|$)"  # strings, such as window titles and links
    r"|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
    r"|[\ud800-\udfff]",  # halves of characters, which no client could read
    re.DOTALL,
)


class RecordsApi:
    """Reads records from the service at `MCP_API_BASE_URL`."""

    def __init__(self, settings: Settings, base_url: str, key: Secret, metrics: Metrics) -> None:
        url = httpx2.URL(base_url)
        self._auth = httpx2.BasicAuth(url.username, url.password) if url.userinfo else None
        self._base_url = str(url.copy_with(userinfo=b"", query=None, fragment=None)).rstrip("/")
        self._key = key
        self._max_bytes = settings.max_result_bytes
        self._metrics = metrics
        self._breaker = CircuitBreaker(settings.breaker_failures, settings.breaker_reset_seconds)
        self._bulkhead = Bulkhead(settings.api_max_concurrency, queue=0)
        self._guard = Guard(
            DEPENDENCY,
            breaker=self._breaker,
            attempts=settings.retry_attempts,
            try_seconds=settings.api_timeout_seconds,
            metrics=metrics,
        )
        self._client = httpx2.AsyncClient(
            follow_redirects=False,
            timeout=settings.api_timeout_seconds,
            limits=httpx2.Limits(max_connections=settings.api_max_concurrency),
            headers={"Accept": "application/json", "User-Agent": f"{NAME}/{__version__}"},
        )

    @property
    def healthy(self) -> bool:
        """Whether the last calls went well, as far as the breaker knows."""
        return self._breaker.state is BreakerState.CLOSED

    async def fetch(self, record_id: str) -> dict[str, Any]:
        """Return the record, its strings free of control characters and terminal escapes.

        Raises AppError `record_not_found`, or `dependency_unavailable`: at once when as many calls
        hang already as the service may have.
        """
        try:
            async with self._bulkhead.slot():
                record = await self._guard.run(lambda: self._get(record_id))
        except AppError as error:
            if error.code != "overloaded":
                raise
            self._metrics.dependency_duration.labels(DEPENDENCY, "rejected").observe(0)
            raise dependency_unavailable(DEPENDENCY) from None
        cleaned: dict[str, Any] = _clean(record)
        return cleaned

    async def aclose(self) -> None:
        """Close the pooled connections."""
        await self._client.aclose()

    async def _get(self, record_id: str) -> dict[str, Any]:
        headers: dict[str, str] = {}
        auth = self._auth
        if key := await self._key.get():
            headers["Authorization"] = f"Bearer {key}"
            auth = None
        try:
            with outgoing_span("GET /records/{record_id}", headers):
                async with self._client.stream(
                    "GET", f"{self._base_url}/records/{record_id}", headers=headers, auth=auth
                ) as response:
                    return await self._read(response)
        except httpx2.TimeoutException:
            raise TryFailed("timed out", outcome="timeout") from None
        except httpx2.HTTPError as error:
            raise TryFailed(type(error).__name__) from None

    async def _read(self, response: httpx2.Response) -> dict[str, Any]:
        status = response.status_code
        if status == httpx2.codes.NOT_FOUND:
            raise AppError("record_not_found")
        if not response.is_success:
            raise TryFailed(
                f"status {status}", repeat=status in _REPEATABLE, retry_after=_retry_after(response)
            )
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > self._max_bytes:
                raise TryFailed("response too large", repeat=False)
        try:
            record = json.loads(body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            record = None
        if not isinstance(record, dict):
            raise TryFailed("not a JSON object", repeat=False)
        return record


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


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _ESCAPES.sub("", value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    return value
