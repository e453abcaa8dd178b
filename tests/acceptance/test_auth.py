"""Sections 3 to 5: bearer tokens, scopes, and whose operations are whose."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any

import jwt
import pytest

from kit.metrics import Metrics
from kit.process import until
from kit.stub import Keys
from kit.tokens import ALGORITHMS, Issuer
from kit.wire import ERAS

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Connect, Serve, Speak
    from kit.process import HttpServer
    from kit.stub import Records
    from kit.wire import Reply, Wire

METADATA = "https://mcp.example/.well-known/oauth-protected-resource/mcp"
SCOPES = ("config:read", "operations:read", "operations:write", "records:read", "text:read")
CHALLENGE = f'scope="{" ".join(SCOPES)}", resource_metadata="{METADATA}"'
NEEDS = {
    "process_text": ("text:read", {"text": "x"}),
    "lookup_record": ("records:read", {"record_id": "auth"}),
    "start_operation": ("operations:write", {"steps": 1, "step_milliseconds": 0}),
    "check_operation_status": ("operations:read", {"operation_id": "x" * 16}),
    "cancel_operation": ("operations:write", {"operation_id": "x" * 16}),
}


def unsigned(issuer: Issuer) -> str:
    return jwt.encode(issuer.claims("text:read"), None, "none")


def hmac_with_the_public_key(issuer: Issuer) -> str:
    """The classic confusion: HS256 keyed with the published RSA key."""
    header = {"alg": "HS256", "typ": "JWT", "kid": "key-RS256"}
    key = json.dumps(issuer.jwks()["keys"][0]).encode()
    encode = lambda part: base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")  # noqa: E731
    body = encode(header) + b"." + encode(issuer.claims("text:read"))
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(body, key)
    return (body + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def tampered(issuer: Issuer) -> str:
    header, _, signature = issuer.mint("text:read").split(".")
    claims = json.dumps(issuer.claims("text:read", sub="mallory")).encode()
    return f"{header}.{base64.urlsafe_b64encode(claims).rstrip(b'=').decode()}.{signature}"


FORGED: dict[str, Callable[[Issuer], str]] = {
    "garbage": lambda _: "garbage",
    "three-parts": lambda _: "a.b.c",
    "unsigned": unsigned,
    "hmac-with-public-key": hmac_with_the_public_key,
    "tampered": tampered,
    "other-keys": lambda issuer: Issuer(issuer.audience, issuer.issuer).mint("text:read"),
    "unknown-kid": lambda issuer: issuer.mint("text:read", kid="nobody"),
    "expired": lambda issuer: issuer.mint("text:read", exp=int(time.time()) - 31),
    "not-yet": lambda issuer: issuer.mint("text:read", nbf=int(time.time()) + 60),
    "no-expiry": lambda issuer: issuer.mint("text:read", exp=None),
    "no-subject": lambda issuer: issuer.mint("text:read", sub=None),
    "empty-subject": lambda issuer: issuer.mint("text:read", sub=""),
    "number-for-subject": lambda issuer: issuer.mint("text:read", sub=5),
    "object-for-subject": lambda issuer: issuer.mint("text:read", sub={"id": "alice"}),
    "issued-in-the-future": lambda issuer: issuer.mint("text:read", iat=int(time.time()) + 90),
    "other-issuer": lambda issuer: issuer.mint("text:read", iss=issuer.issuer.rstrip("/")),
    "other-audience": lambda issuer: issuer.mint("text:read", aud="https://other.example/mcp"),
    "no-audience": lambda issuer: issuer.mint("text:read", aud=None),
}

ACCEPTED: dict[str, dict[str, Any]] = {
    "just-expired": {"exp": -5},
    "clock-a-little-ahead": {"iat": 5, "nbf": 5},
    "scopes-by-any-white-space": {"scope": "other\ttext:read\nmore"},
    "audience-list": {"aud": ["https://other.example", "https://mcp.example/mcp"]},
    "scp-list": {"scope": None, "scp": ["text:read"]},
    "scp-text": {"scope": None, "scp": "other text:read"},
    "permissions": {"scope": None, "permissions": ["text:read"]},
}


def text(wire: Wire) -> Reply:
    return wire.call("process_text", {"text": "x"})


class TestTokens:
    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    def test_good_tokens(
        self, guarded_server: HttpServer, connect: Connect, issuer: Issuer, era: str, algorithm: str
    ) -> None:
        wire = connect(guarded_server, token=issuer.mint("text:read", algorithm=algorithm), era=era)
        assert text(wire).output["result"] == "x"

    @pytest.mark.parametrize("changes", ACCEPTED.values(), ids=ACCEPTED)
    def test_unusual_but_good_tokens(
        self, guarded_server: HttpServer, connect: Connect, issuer: Issuer, changes: dict[str, Any], era: str
    ) -> None:
        now = int(time.time())
        times = {claim: now + changes[claim] for claim in ("exp", "iat", "nbf") if claim in changes}
        token = issuer.mint(**{"scope": "text:read"} | changes | times)
        assert text(connect(guarded_server, token=token, era=era)).output["result"] == "x"

    @pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
    def test_forged_tokens(
        self, guarded_server: HttpServer, connect: Connect, issuer: Issuer, forge: Callable[[Issuer], str], era: str
    ) -> None:
        token = forge(issuer)
        reply = text(connect(guarded_server, token=token, era=era))
        assert reply.status == 401
        assert reply.refusal["code"] == "unauthenticated"
        assert reply.refusal["message"] == "a valid bearer token is required"
        assert reply.headers["www-authenticate"] == f'Bearer error="invalid_token", {CHALLENGE}'
        assert token not in reply.text
        assert token not in guarded_server.log.text

    def test_no_token(self, guarded_server: HttpServer, connect: Connect, era: str) -> None:
        wire = connect(guarded_server, era=era)
        for reply in (text(wire), wire.rpc("tools/list"), wire.rpc("server/discover"), wire.rpc("ping")):
            assert reply.status == 401
            assert reply.headers["www-authenticate"] == f"Bearer {CHALLENGE}"

    def test_a_token_in_the_url_or_another_scheme_does_not_count(
        self, guarded_server: HttpServer, connect: Connect, issuer: Issuer
    ) -> None:
        token = issuer.mint("text:read")
        wire = connect(guarded_server)
        assert wire.rpc("tools/list", authorization=f"Basic {token}").status == 401
        headers = wire.headers({"method": "tools/list", "params": {}})
        assert wire.send("POST", f"/mcp?access_token={token}", headers, b"{}").status == 401
        assert token not in guarded_server.log.text

    def test_the_scheme_is_case_insensitive(self, guarded_server: HttpServer, connect: Connect, issuer: Issuer) -> None:
        wire = connect(guarded_server)
        assert wire.rpc("tools/list", authorization=f"bearer {issuer.mint()}").result["tools"]


class TestScopes:
    @pytest.mark.parametrize("tool", NEEDS)
    def test_each_tool_needs_its_scope_and_no_other(
        self, guarded_server: HttpServer, connect: Connect, issuer: Issuer, tool: str, era: str
    ) -> None:
        scope, arguments = NEEDS[tool]
        allowed = connect(guarded_server, token=issuer.mint(scope), era=era).call(tool, arguments)
        assert allowed.status == 200
        others = " ".join(other for other in SCOPES if other != scope)
        denied = connect(guarded_server, token=issuer.mint(others), era=era).call(tool, arguments)
        assert denied.status == 403
        assert denied.refusal["code"] == "insufficient_scope"
        assert denied.refusal["message"] == f"scope required: {scope}"
        assert denied.refusal["details"] == {"required_scopes": [scope]}
        challenge = f'Bearer error="insufficient_scope", scope="{scope}", resource_metadata="{METADATA}"'
        assert denied.headers["www-authenticate"] == challenge

    def test_each_resource_needs_its_scope(
        self, guarded_server: HttpServer, connect: Connect, issuer: Issuer, era: str
    ) -> None:
        for uri, scope in (("config://server-settings", "config:read"), ("operation://" + "x" * 16, "operations:read")):
            others = " ".join(other for other in SCOPES if other != scope)
            denied = connect(guarded_server, token=issuer.mint(others), era=era).read(uri)
            assert denied.status == 403, uri
            assert denied.refusal["message"] == f"scope required: {scope}"
            assert connect(guarded_server, token=issuer.mint(scope), era=era).read(uri).status != 403

    def test_lists_and_the_prompt_need_a_token_only(
        self, guarded_server: HttpServer, connect: Connect, issuer: Issuer
    ) -> None:
        wire = connect(guarded_server, token=issuer.mint())
        assert set(wire.tools()) == set(NEEDS)
        arguments = {"name": "summarize_text", "arguments": {"text": "x"}}
        assert wire.rpc("prompts/get", arguments).result["messages"]

    def test_the_body_decides_whatever_the_headers_say(
        self, guarded_server: HttpServer, connect: Connect, issuer: Issuer, era: str
    ) -> None:
        wire = connect(guarded_server, token=issuer.mint("text:read"), era=era)
        for lie in ({"mcp_name": "process_text"}, {"mcp_method": "tools/list"}, {"mcp_method": None, "mcp_name": None}):
            assert wire.call("start_operation", {}, **lie).status == 403, lie

    def test_a_scope_must_match_whole(self, guarded_server: HttpServer, connect: Connect, issuer: Issuer) -> None:
        for scope in ("text:rea", "text:read2", "TEXT:READ", "text", "*", "text:read,records:read"):
            assert text(connect(guarded_server, token=issuer.mint(scope))).status == 403, scope


class TestSubjects:
    def test_operations_of_another_do_not_exist(
        self, guarded_server: HttpServer, connect: Connect, issuer: Issuer, era: str
    ) -> None:
        scope = "operations:read operations:write"
        alice = connect(guarded_server, token=issuer.mint(scope), era=era)
        mallory = connect(guarded_server, token=issuer.mint(scope, sub="mallory"), era=era)
        arguments = {"steps": 100, "step_milliseconds": 100, "idempotency_key": f"mine-{era}"}
        operation = alice.call("start_operation", arguments).output["operation_id"]
        for tool in ("check_operation_status", "cancel_operation"):
            error = mallory.call(tool, {"operation_id": operation}).tool_error
            assert (error["code"], error["message"]) == ("operation_not_found", "operation_id: no such operation")
        assert mallory.read(f"operation://{operation}").error["code"] in (-32602, -32002)
        assert mallory.call("start_operation", arguments).output["operation_id"] != operation
        assert alice.call("check_operation_status", {"operation_id": operation}).output["status"] != "cancelled"

    def test_the_callers_token_is_not_passed_on(
        self, guarded_server: HttpServer, connect: Connect, issuer: Issuer, records: Records, era: str
    ) -> None:
        token = issuer.mint("records:read")
        assert connect(guarded_server, token=token, era=era).call("lookup_record", {"record_id": "passed"}).output
        assert token not in repr(records.tries("passed"))

    def test_stdio_is_local_with_every_scope(self, speak: Speak, jwt_settings: dict[str, Any], era: str) -> None:
        stdio = speak(era=era, MCP_ENABLE_WRITES=True, **jwt_settings)
        assert stdio.call("start_operation", {"steps": 1, "step_milliseconds": 0}).output
        assert stdio.process.log.wait("audit.tool_called")["subject"] == "local"


class TestMetadata:
    def test_the_documents_fields(self, guarded_server: HttpServer, connect: Connect, issuer: Issuer) -> None:
        reply = connect(guarded_server).get("/.well-known/oauth-protected-resource/mcp")
        assert reply.status == 200
        assert reply.json == {
            "resource": issuer.audience,
            "authorization_servers": [issuer.issuer],
            "scopes_supported": list(SCOPES),
            "bearer_methods_supported": ["header"],
        }

    def test_it_lies_also_where_the_path_of_the_public_url_says(
        self, serve: Serve, connect: Connect, issuer: Issuer, jwt_settings: dict[str, Any]
    ) -> None:
        public = "https://mcp.example/team/a"
        server = serve(**jwt_settings | {"MCP_PUBLIC_URL": public})
        wire = connect(server)
        documents = [wire.get(f"/.well-known/oauth-protected-resource{path}").json for path in ("/mcp", "/team/a/mcp")]
        assert documents[0] == documents[1]
        assert documents[0]["resource"] == f"{public}/mcp"
        assert wire.get("/.well-known/oauth-protected-resource/other/mcp").status == 404
        named = text(wire).headers["www-authenticate"].partition('resource_metadata="')[2].rstrip('"')
        assert named == "https://mcp.example/.well-known/oauth-protected-resource/team/a/mcp"
        assert text(connect(server, token=issuer.mint("text:read", aud=f"{public}/mcp"))).output["result"] == "x"


class TestKeys:
    def test_keys_come_from_the_url_and_are_fetched_again_for_a_new_one(
        self, serve: Serve, connect: Connect, issuer: Issuer, jwt_settings: dict[str, Any]
    ) -> None:
        with Keys(issuer.jwks()) as keys:
            url = {"MCP_AUTH_JWKS_FILE": None, "MCP_AUTH_JWKS_URL": f"{keys.url}/jwks"}
            server = serve(**jwt_settings | url)
            for algorithm in ALGORITHMS:
                wire = connect(server, token=issuer.mint("text:read", algorithm=algorithm))
                assert text(wire).output["result"] == "x"
            fetched = len(keys.requests)
            assert fetched <= 2, "keys are cached"
            for index in range(5):
                unknown = issuer.mint("text:read", kid=f"unknown-{index}")
                assert text(connect(server, token=unknown)).status == 401
            assert len(keys.requests) <= fetched + 1, "unknown key ids must not make it fetch again and again"

    def test_keys_that_cannot_be_fetched_are_asked_for_every_30_s_and_told(
        self, serve: Serve, connect: Connect, issuer: Issuer, jwt_settings: dict[str, Any]
    ) -> None:
        with Keys(None) as keys:
            url = {"MCP_AUTH_JWKS_FILE": None, "MCP_AUTH_JWKS_URL": f"{keys.url}/jwks"}
            server = serve(**jwt_settings | url)
            wires = [connect(server, token=issuer.mint("text:read"), era=era) for era in ERAS]
            probe = connect(server)
            assert probe.get("/health").json["checks"]["auth"] == "healthy"
            first = time.monotonic()
            for wire in wires * 3:
                reply = text(wire)
                assert (reply.status, reply.refusal["code"]) == (503, "dependency_unavailable")
                assert 1 <= int(reply.headers["retry-after"]) <= 30
            assert text(connect(server)).status == 401, "without a token no key is needed"
            health = probe.get("/health")
            assert (health.status, health.json["status"], health.json["checks"]["auth"]) == (
                200,
                "degraded",
                "degraded",
            )
            assert probe.get("/ready").status == 200
            metrics = Metrics.parse(probe.get("/metrics").text)
            assert metrics.value("mcp_dependency_duration_seconds_count", dependency="auth") == len(keys.requests) == 1
            keys.document = issuer.jwks()
            until(lambda: text(wires[0]).status == 200, "the keys are there again", 45)
            assert time.monotonic() - first >= 25, "not asked for more often than every 30 s"
            assert len(keys.requests) == 2
            assert probe.get("/health").json["status"] == "healthy"
