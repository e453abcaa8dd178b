"""Only tokens that the issuer signed, for this server and for now, are let in."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.application import application
from tests.support import Issuer

OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
NOW = int(time.time())


def encoded(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def unsigned(issuer: Issuer) -> str:
    header = {"alg": "none", "kid": "key-1"}
    return f"{encoded(header)}.{encoded(issuer.claims('text:read'))}."


def signed_with_the_public_key(issuer: Issuer) -> str:
    """Return a token whose HMAC secret is what everyone knows."""
    public = issuer.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = f"{encoded({'alg': 'HS256', 'kid': 'key-1'})}.{encoded(issuer.claims('text:read'))}"
    signature = hmac.new(public, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def tampered(issuer: Issuer) -> str:
    header, _, signature = issuer.token("text:read").split(".")
    return f"{header}.{encoded(issuer.claims('text:read', sub='mallory'))}.{signature}"


def signed(issuer: Issuer, key: Any, algorithm: str = "RS256", **header: Any) -> str:
    claims = issuer.claims("text:read")
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": "key-1"} | header)


FORGED: dict[str, Callable[[Issuer], str]] = {
    "no token at all": lambda _: "nonsense",
    "unsigned": unsigned,
    "HMAC with the public key": signed_with_the_public_key,
    "another key": lambda issuer: signed(issuer, OTHER_KEY),
    "another kind of key": lambda issuer: signed(
        issuer, ec.generate_private_key(ec.SECP256R1()), "ES256"
    ),
    "an algorithm that is not offered": lambda issuer: signed(issuer, issuer.key, "RS512"),
    "an unknown key id": lambda issuer: signed(issuer, issuer.key, kid="key-2"),
    "a key of its own in the header": lambda issuer: signed(
        issuer, OTHER_KEY, jwk={"kty": "RSA"}, jku="https://evil.example.com"
    ),
    "other claims than were signed": tampered,
    "no signature": lambda issuer: issuer.token("text:read").rpartition(".")[0] + ".",
    "another audience": lambda issuer: issuer.token("text:read", aud="https://other.example.com"),
    "no audience": lambda issuer: issuer.token("text:read", aud=None),
    "another issuer": lambda issuer: issuer.token("text:read", iss=issuer.url.rstrip("/")),
    "no issuer": lambda issuer: issuer.token("text:read", iss=None),
    "expired": lambda issuer: issuer.token("text:read", exp=NOW - 3600),
    "no expiry": lambda issuer: issuer.token("text:read", exp=None),
    "not yet valid": lambda issuer: issuer.token("text:read", nbf=NOW + 3600),
    "no subject": lambda issuer: issuer.token("text:read", sub=None),
}


@pytest.mark.parametrize("kind", FORGED)
async def test_a_forged_token_is_refused(issuer: Issuer, kind: str) -> None:
    async with application(**issuer.settings()) as app:
        answer = await app.call("process_text", FORGED[kind](issuer), text="hello")

    assert answer.http.status_code == 401
    assert answer.error["code"] == "unauthenticated"
    assert answer.message["error"]["code"] == 401
    challenge = answer.http.headers["www-authenticate"]
    assert challenge.startswith('Bearer error="invalid_token", resource_metadata="')


async def test_a_good_token_is_let_in(issuer: Issuer) -> None:
    async with application(**issuer.settings()) as app:
        answer = await app.call("process_text", issuer.token("text:read"), text="hello")

    assert answer.output["result"] == "hello"


@pytest.mark.parametrize(
    "claims",
    [
        {"scope": "other text:read"},
        {"scope": None, "scp": ["text:read"]},
        {"scope": None, "permissions": ["text:read"]},
        {"aud": ["https://other.example.com", Issuer.audience]},
    ],
)
async def test_what_issuers_do_differently_is_understood(
    issuer: Issuer, claims: dict[str, Any]
) -> None:
    async with application(**issuer.settings()) as app:
        answer = await app.call("process_text", issuer.token("text:read", **claims), text="hello")

    assert answer.output["result"] == "hello"


async def test_clocks_may_differ_a_little(issuer: Issuer) -> None:
    now = int(time.time())
    async with application(**issuer.settings()) as app:
        token = issuer.token("text:read", exp=now - 5, nbf=now + 5)
        answer = await app.call("process_text", token, text="hello")

    assert answer.output["result"] == "hello"


async def test_without_a_token_the_client_learns_where_to_get_one(issuer: Issuer) -> None:
    async with application(**issuer.settings()) as app:
        answer = await app.send("tools/list")
        metadata = await app.http.get("/.well-known/oauth-protected-resource/mcp")

    assert answer.http.status_code == 401
    assert answer.http.headers["www-authenticate"] == (
        'Bearer resource_metadata="http://127.0.0.1:8000/.well-known/oauth-protected-resource/mcp"'
    )
    assert metadata.json()["authorization_servers"] == [issuer.url]
    assert metadata.json()["resource"] == "http://127.0.0.1:8000/mcp"


async def test_unreachable_keys_are_not_the_callers_fault(issuer: Issuer) -> None:
    settings = issuer.settings() | {"MCP_AUTH_JWKS_URL": "http://127.0.0.1:9/jwks.json"}
    del settings["MCP_AUTH_JWKS_FILE"]
    async with application(**settings) as app:
        answer = await app.call("process_text", issuer.token("text:read"), text="hello")

    assert answer.http.status_code == 503
    assert answer.error["code"] == "dependency_unavailable"


@pytest.mark.parametrize("document", ["", "[]", "{}", '{"keys": {}}', '{"keys": [1, null, {}]}'])
async def test_a_broken_key_set_is_no_key_set(issuer: Issuer, document: str) -> None:
    broken = issuer.jwks.with_name("broken.json")
    broken.write_text(document, encoding="utf-8")
    async with application(**issuer.settings() | {"MCP_AUTH_JWKS_FILE": str(broken)}) as app:
        answer = await app.call("process_text", issuer.token("text:read"), text="hello")

    assert answer.http.status_code in {401, 503}
