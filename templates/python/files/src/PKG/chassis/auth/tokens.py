"""Bearer tokens: what the issuer signed, for this server and for now, becomes a principal."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import jwt
from jwt.exceptions import PyJWTError

from ..context import Principal
from ..errors import AppError
from .keys import ALGORITHMS, KeySet

_LEEWAY_SECONDS = 30
_MAX_CACHED_TOKENS = 1_024
_MAX_CACHED_SECONDS = 60


class TokenVerifier:
    """Turns a bearer token into a principal."""

    def __init__(self, issuer: str, audience: str, keys: KeySet) -> None:
        self.keys = keys
        self._issuer = issuer
        self._audience = audience
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
            subject = claims["sub"]
            subject.encode()  # an ill-formed name could be neither logged nor stored
            expires = int(claims["exp"]) + _LEEWAY_SECONDS
        except (PyJWTError, ArithmeticError, TypeError, ValueError):
            raise AppError("unauthenticated") from None
        if not subject:
            raise AppError("unauthenticated")
        principal = Principal(subject, _scopes(claims), authenticated=True)
        self._cache[digest] = (min(expires, time.time() + _MAX_CACHED_SECONDS), principal)
        if len(self._cache) > _MAX_CACHED_TOKENS:
            self._cache.popitem(last=False)
        return principal

    async def _claims(self, token: str) -> dict[str, Any]:
        header = jwt.get_unverified_header(token)
        if header.get("alg") not in ALGORITHMS:
            raise AppError("unauthenticated")
        key = await self.keys.find(header.get("kid"))
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
