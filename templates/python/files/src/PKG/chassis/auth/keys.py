"""The issuer's signing keys: cached, asked for at most every 30 s, used for an hour at most.

So tokens with made-up key ids cannot make this server flood the issuer, and an issuer that is away
for a while stops nobody whose key is known.
"""

import asyncio
import math
import time
from pathlib import Path

import httpx2
import jwt
from jwt.exceptions import PyJWTError

from .. import strict_json
from ..errors import AppError, dependency_unavailable
from ..observability.logs import get_logger
from ..observability.metrics import Metrics
from ..resilience.http_client import pooled_client, read_bounded

ALGORITHMS = frozenset({"RS256", "ES256", "EdDSA"})
DEPENDENCY = "auth"
_REFETCH_SECONDS = 30
_FRESH_SECONDS = 600
_STALE_SECONDS = 3600
_FETCH_TIMEOUT_SECONDS = 5
_MAX_BYTES = 1_048_576

_log = get_logger(__name__)


class KeySet:
    """The keys, from a URL or a file."""

    def __init__(self, *, url: str | None, path: Path | None, metrics: Metrics) -> None:
        self.healthy = True
        self._url = url
        self._path = path
        self._metrics = metrics
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._asked_at = -math.inf
        self._fetched_at = -math.inf
        self._fetching = asyncio.Lock()

    async def find(self, key_id: str | None) -> jwt.PyJWK | None:
        """Return the key called `key_id`, or the only key when the token names none.

        Raises AppError `dependency_unavailable` when the keys cannot be had.
        """
        key = self._select(key_id)
        if key is None or time.monotonic() - self._fetched_at > _FRESH_SECONDS:
            await self._refresh()
            key = self._select(key_id)
        if key is None and not self.healthy:
            raise self._unavailable()
        return key

    def _select(self, key_id: str | None) -> jwt.PyJWK | None:
        if time.monotonic() - self._fetched_at > _STALE_SECONDS:
            return None
        if key_id is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(key_id)

    def _unavailable(self) -> AppError:
        error = dependency_unavailable(DEPENDENCY)
        rest = self._asked_at + _REFETCH_SECONDS - time.monotonic()
        error.details["retry_after_seconds"] = max(1, math.ceil(rest))
        return error

    async def _refresh(self) -> None:
        async with self._fetching:
            if time.monotonic() - self._asked_at < _REFETCH_SECONDS:
                return
            self._asked_at = time.monotonic()
            outcome = "error"
            try:
                async with asyncio.timeout(_FETCH_TIMEOUT_SECONDS):
                    self._keys = _parse(await self._read())
            except (httpx2.HTTPError, OSError, TypeError, ValueError) as error:
                outcome = "timeout" if isinstance(error, TimeoutError) else "error"
                self.healthy = False
                _log.warning("auth.keys_unavailable", reason=type(error).__name__)
            else:
                outcome = "success"
                self.healthy = True
                self._fetched_at = time.monotonic()
            finally:
                self._metrics.dependency_duration.labels(DEPENDENCY, outcome).observe(
                    time.monotonic() - self._asked_at
                )

    async def _read(self) -> bytes:
        if self._path is not None:
            return await asyncio.to_thread(self._path.read_bytes)
        async with (
            pooled_client(_FETCH_TIMEOUT_SECONDS) as client,
            client.stream("GET", self._url or "") as response,
        ):
            response.raise_for_status()
            return await read_bounded(response, _MAX_BYTES)


def _parse(document: bytes) -> dict[str | None, jwt.PyJWK]:
    """Return the usable keys by id; what is no public signing key of ours is skipped."""
    key_set = strict_json.loads(document)
    items = key_set.get("keys") if isinstance(key_set, dict) else None
    if not isinstance(items, list):
        raise TypeError("not a key set")
    keys: dict[str | None, jwt.PyJWK] = {}
    for item in items:
        if not isinstance(item, dict) or item.get("use", "sig") != "sig":
            continue
        try:
            key = jwt.PyJWK(item)
        except PyJWTError:
            continue
        if key.algorithm_name in ALGORITHMS:
            keys[item.get("kid")] = key
    return keys
