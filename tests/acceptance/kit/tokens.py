"""An authorization server's keys: a JWKS and tokens signed with them, good and forged."""

from __future__ import annotations

import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

ALGORITHMS = ("RS256", "ES256", "EdDSA")


class Issuer:
    """Mints tokens; `audience` is what the server under test calls itself."""

    def __init__(self, audience: str, issuer: str = "https://issuer.example/tenant/") -> None:
        self.audience = audience
        self.issuer = issuer
        self.keys: dict[str, Any] = {
            "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
            "ES256": ec.generate_private_key(ec.SECP256R1()),
            "EdDSA": ed25519.Ed25519PrivateKey.generate(),
        }

    def jwks(self) -> dict[str, Any]:
        public = {algorithm: key.public_key() for algorithm, key in self.keys.items()}
        documents = {
            "RS256": RSAAlgorithm.to_jwk(public["RS256"]),
            "ES256": ECAlgorithm.to_jwk(public["ES256"]),
            "EdDSA": OKPAlgorithm.to_jwk(public["EdDSA"]),
        }
        return {
            "keys": [
                json.loads(document) | {"kid": f"key-{algorithm}", "alg": algorithm, "use": "sig"}
                for algorithm, document in documents.items()
            ]
        }

    def claims(self, scope: str = "", **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": "alice",
            "iat": now,
            "exp": now + 600,
            "scope": scope,
        } | changes
        return {name: value for name, value in claims.items() if value is not None}

    def mint(self, scope: str = "", *, algorithm: str = "RS256", kid: str | None = None, **changes: Any) -> str:
        """A token; `changes` replace claims, None removes one."""
        headers = {"kid": kid or f"key-{algorithm}"}
        return jwt.encode(self.claims(scope, **changes), self.keys[algorithm], algorithm, headers)
