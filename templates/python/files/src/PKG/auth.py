"""Who calls: bearer tokens are verified against the issuer's signing keys.

The keys are cached and fetched again at most every 30 s, so that tokens with made-up key ids cannot
make this server flood the issuer.
"""

import asyncio
import hashlib
import json
import math
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import jwt
from jwt.exceptions import PyJWTError

from .errors import AppError, dependency_unavailable
from .observability import get_logger
from .settings import Settings

ALGORITHMS = frozenset({"RS256", "ES256", "EdDSA"})
_LEEWAY_SECONDS = 30
_REFETCH_SECONDS = 30
_RETRY_SECONDS = 2
_MAX_AGE_SECONDS = 600
_FETCH_TIMEOUT_SECONDS = 5
_MAX_KEYS_BYTES = 1_048_576
_MAX_CACHED_TOKENS = 1_024
_MAX_CACHED_SECONDS = 60

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller and what it may do; `scopes` is None for one that may do everything."""

    subject: str
    scopes: frozenset[str] | None = None
    authenticated: bool = False

    def allows(self, scope: str) -> bool:
        """Return whether the caller holds `scope`."""
        return self.scopes is None or scope in self.scopes


LOCAL = Principal("local")
"""The caller on stdio: whoever started the process."""

ANONYMOUS = Principal("anonymous")
"""The caller over HTTP when authentication is off."""


class KeySet:
    """The issuer's public keys, from a URL or a file."""

    def __init__(self, *, url: str | None, path: Path | None) -> None:
        self._url = url
        self._path = path
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._fetched_at = -math.inf
        self._failed_at = -math.inf
        self._fetching = asyncio.Lock()

    async def find(self, key_id: str | None) -> jwt.PyJWK | None:
        """Return the key called `key_id`, or the only key when the token names none.

        Raises AppError `dependency_unavailable` when the keys cannot be had.
        """
        now = time.monotonic()
        key = self._select(key_id)
        if key is None or now - self._fetched_at > _MAX_AGE_SECONDS:
            await self._refresh()
            key = self._select(key_id)
        if key is None and self._failed_at > self._fetched_at:
            raise dependency_unavailable("auth")
        return key

    def _select(self, key_id: str | None) -> jwt.PyJWK | None:
        if key_id is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(key_id)

    async def _refresh(self) -> None:
        async with self._fetching:
            now = time.monotonic()
            if now - self._fetched_at < _REFETCH_SECONDS or now - self._failed_at < _RETRY_SECONDS:
                return
            try:
                async with asyncio.timeout(_FETCH_TIMEOUT_SECONDS):
                    self._keys = _parse(await self._read())
            except (httpx2.HTTPError, OSError, TypeError, ValueError) as error:
                self._failed_at = time.monotonic()
                _log.warning("auth.keys_unavailable", reason=type(error).__name__)
            else:
                self._fetched_at = time.monotonic()

    async def _read(self) -> bytes:
        if self._path is not None:
            return await asyncio.to_thread(self._path.read_bytes)
        async with (
            httpx2.AsyncClient(timeout=_FETCH_TIMEOUT_SECONDS, follow_redirects=False) as client,
            client.stream("GET", self._url or "") as response,
        ):
            response.raise_for_status()
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _MAX_KEYS_BYTES:
                    raise ValueError("too large")
            return bytes(body)


def _parse(document: bytes) -> dict[str | None, jwt.PyJWK]:
    """Return the usable keys by id; what is no public signing key of ours is skipped."""
    key_set = json.loads(document)
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


class TokenVerifier:
    """Turns a bearer token into a principal."""

    def __init__(self, settings: Settings, keys: KeySet) -> None:
        self._issuer = settings.auth_issuer or ""
        self._audience = settings.audience
        self._keys = keys
        self._cache: OrderedDict[bytes, tuple[float, Principal]] = OrderedDict()

    async def verify(self, token: str) -> Principal:
        """Return the principal of a valid token.

        Raises AppError `unauthenticated`, or `dependency_unavailable` without signing keys.
        """
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        if cached := self._cache.get(digest):
            expires, principal = cached
            if time.time() < expires:
                return principal
            del self._cache[digest]
        try:
            claims = await self._claims(token)
            claims["sub"].encode()  # an ill-formed name could be neither logged nor stored
            expires = int(claims["exp"]) + _LEEWAY_SECONDS
        except (PyJWTError, ArithmeticError, TypeError, ValueError):
            raise AppError("unauthenticated") from None
        principal = Principal(claims["sub"], _scopes(claims), authenticated=True)
        self._cache[digest] = (min(expires, time.time() + _MAX_CACHED_SECONDS), principal)
        if len(self._cache) > _MAX_CACHED_TOKENS:
            self._cache.popitem(last=False)
        return principal

    async def _claims(self, token: str) -> dict[str, Any]:
        header = jwt.get_unverified_header(token)
        if header.get("alg") not in ALGORITHMS:
            raise AppError("unauthenticated")
        key = await self._keys.find(header.get("kid"))
        if key is None:
            raise AppError("unauthenticated")
        return jwt.decode(
            token,
            key,
            algorithms=[key.algorithm_name],
            audience=self._audience,
            issuer=self._issuer,
            leeway=_LEEWAY_SECONDS,
            options={"require": ["exp", "sub"]},
        )


def _scopes(claims: Mapping[str, Any]) -> frozenset[str]:
    """Return the scopes, under whichever of the usual claims the issuer puts them."""
    scopes: set[str] = set()
    for claim in ("scope", "scp", "permissions"):
        value = claims.get(claim)
        if isinstance(value, str):
            scopes.update(value.split())
        elif isinstance(value, list):
            scopes.update(item for item in value if isinstance(item, str))
    return frozenset(scopes)
