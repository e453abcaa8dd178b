"""Section 4: the HTTP endpoints, and what refuses a request before it reaches the protocol."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from mcp import Client

from kit.samples import ORIGIN
from kit.wire import LEGACY, MODERN, envelope, request_id

if TYPE_CHECKING:
    from conftest import Connect, Serve
    from kit.process import HttpServer
    from kit.stub import Records
    from kit.wire import Reply, Wire

PROBES = ("/live", "/health", "/ready", "/metrics")
EVIL = "evil.example"


def post(wire: Wire, content: Any, **headers: str | None) -> Reply:
    """POST those bytes with the headers of a plain `tools/list`."""
    return wire.send("POST", "/mcp", wire.headers(envelope("tools/list", None, wire.era), **headers), content)


def test_live_and_ready(modern: Wire) -> None:
    assert (modern.get("/live").status, modern.get("/live").json) == (200, {"status": "alive"})
    assert (modern.get("/ready").status, modern.get("/ready").json) == (200, {"status": "ready"})


def test_health_tells_each_part_and_asks_nobody(modern: Wire, records: Records) -> None:
    version = modern.settings()["version"]
    before = len(records.requests)
    reply = modern.get("/health")
    assert reply.status == 200
    checks = {"server": "healthy", "state": "healthy", "external_api": "healthy"}
    assert reply.json == {"status": "healthy", "version": version, "checks": checks}
    assert len(records.requests) == before


def test_health_without_an_external_service(share: Serve, connect: Connect) -> None:
    reply = connect(share()).get("/health").json
    assert reply["status"] == "healthy"
    assert reply["checks"]["external_api"] == "disabled"


def test_metrics_are_prometheus_text(modern: Wire) -> None:
    reply = modern.get("/metrics")
    assert reply.status == 200
    assert reply.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("path", [*PROBES, "/mcp", "/nowhere", "/.well-known/oauth-protected-resource/mcp"])
def test_every_answer_carries_a_request_id(modern: Wire, path: str) -> None:
    mine = request_id()
    assert modern.get(path, x_request_id=mine).headers["x-request-id"] == mine
    made = modern.get(path).headers["x-request-id"]
    assert re.fullmatch(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", made)


@pytest.mark.parametrize("bad", ["", "a b", "x" * 129, "<script>", "a;b"])
def test_a_bad_request_id_is_replaced(wire: Wire, bad: str) -> None:
    assert wire.rpc("tools/list", x_request_id=bad).headers["x-request-id"] != bad


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_only_post_is_allowed(wire: Wire, method: str) -> None:
    headers = wire.headers(envelope("tools/list", None, wire.era), accept="text/event-stream", content_type=None)
    reply = wire.send(method, "/mcp", headers)
    assert reply.status == 405
    assert {name.strip() for name in reply.headers["allow"].split(",")} == {"POST", "OPTIONS"}


def test_unknown_paths_and_no_auth_metadata(modern: Wire) -> None:
    assert modern.get("/nowhere").status == 404
    assert modern.get("/.well-known/oauth-protected-resource/mcp").status == 404


def test_the_server_tells_the_name_it_was_given(narrow_server: HttpServer, connect: Connect) -> None:
    wire = connect(narrow_server)
    assert wire.rpc("server/discover").result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "narrow"
    assert wire.settings()["settings"]["MCP_SERVER_NAME"] == "narrow"


class TestBody:
    @pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded", "application/jsonx"])
    def test_other_content_types(self, wire: Wire, kind: str | None) -> None:
        reply = post(wire, json.dumps(envelope("tools/list", None, wire.era)), content_type=kind)
        assert reply.status == 415
        assert reply.refusal["code"] == "unsupported_media_type"
        assert reply.refusal["message"] == "content type must be application/json"

    def test_a_charset_is_fine(self, wire: Wire) -> None:
        assert wire.rpc("tools/list", content_type="application/json; charset=utf-8").result["tools"]

    @pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
    def test_a_body_that_is_too_large(self, wire: Wire, *, chunked: bool) -> None:
        text = b" " * 1048576 + b"{}"
        chunks = (text[at : at + 65536] for at in range(0, len(text), 65536))
        reply = post(wire, chunks if chunked else text)
        assert reply.status == 413
        assert reply.refusal["code"] == "too_large"
        assert reply.refusal["message"] == "request body is larger than allowed"

    def test_the_largest_body_is_served(self, modern: Wire) -> None:
        message = json.dumps(envelope("tools/list", None, MODERN))
        assert post(modern, message + " " * (1048576 - len(message))).result["tools"]

    def test_the_limit_is_a_setting(self, narrow_server: HttpServer, connect: Connect) -> None:
        wire = connect(narrow_server)
        message = json.dumps(envelope("tools/list", None, MODERN))
        assert post(wire, message + " " * (16384 - len(message))).status == 200
        assert post(wire, message + " " * (16385 - len(message))).status == 413

    def test_a_notification_is_accepted(self, wire: Wire) -> None:
        notification = envelope("notifications/cancelled", {"requestId": 1}, wire.era)
        del notification["id"]
        reply = wire.send("POST", "/mcp", wire.headers(notification), json.dumps(notification))
        assert (reply.status, reply.text) == (202, "")

    def test_unknown_method(self, wire: Wire) -> None:
        reply = wire.rpc("tools/burn")
        assert reply.error["code"] == -32601
        assert reply.status == (404 if wire.era == MODERN else 200)

    def test_the_new_era_has_no_handshake(self, modern: Wire) -> None:
        reply = modern.rpc("initialize")
        assert (reply.status, reply.error["code"]) == (404, -32601)


def test_a_plain_answer_is_json_in_the_new_era(modern: Wire) -> None:
    assert modern.call("process_text", {"text": "x"}).headers["content-type"].startswith("application/json")


class TestHeaders:
    def test_headers_must_agree_with_the_body(self, modern: Wire) -> None:
        for lie in ({"mcp_method": "tools/list"}, {"mcp_name": "lookup_record"}, {"mcp_method": None}):
            reply = modern.call("process_text", {"text": "x"}, **lie)
            assert (reply.status, reply.error["code"]) == (400, -32020), lie

    def test_an_unknown_protocol_version(self, modern: Wire) -> None:
        meta = {"_meta": {"io.modelcontextprotocol/protocolVersion": "2099-01-01"}}
        reply = modern.rpc("tools/list", meta, mcp_protocol_version="2099-01-01")
        assert (reply.status, reply.error["code"]) == (400, -32022)

    def test_host(self, wire: Wire) -> None:
        for host in (EVIL, f"{EVIL}:80", "localhost.evil.example", "127.0.0.1.evil.example"):
            reply = wire.rpc("tools/list", host=host)
            assert reply.status == 403, host
            assert reply.refusal["code"] == "forbidden"
            assert reply.refusal["message"] == "host not allowed"
        assert wire.rpc("tools/list", host="localhost:1").result["tools"]
        assert wire.rpc("tools/list", host="LOCALHOST").result["tools"]

    def test_probes_answer_any_host(self, modern: Wire) -> None:
        assert [modern.get(path, host=EVIL).status for path in PROBES] == [200] * 4
        assert modern.get("/nowhere", host=EVIL).status == 403

    def test_origin(self, wire: Wire) -> None:
        for origin in (f"https://{EVIL}", "null", f"{ORIGIN}.{EVIL}"):
            reply = wire.rpc("tools/list", origin=origin)
            assert reply.status == 403, origin
            assert reply.refusal["message"] == "origin not allowed"
            assert "access-control-allow-origin" not in reply.headers
        assert wire.rpc("tools/list", origin=ORIGIN).headers["access-control-allow-origin"] == ORIGIN

    def test_preflight(self, modern: Wire) -> None:
        ask = {
            "origin": ORIGIN,
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization,content-type,mcp-protocol-version,mcp-method,mcp-name",
        }
        reply = modern.send("OPTIONS", "/mcp", ask)
        assert reply.status in (200, 204)
        assert reply.headers["access-control-allow-origin"] == ORIGIN
        assert "POST" in reply.headers["access-control-allow-methods"]
        allowed = {name.strip().lower() for name in reply.headers["access-control-allow-headers"].split(",")}
        assert set(ask["access-control-request-headers"].split(",")) <= allowed
        assert modern.send("OPTIONS", "/mcp", ask | {"origin": f"https://{EVIL}"}).status == 403

    def test_the_id_of_the_request_is_in_its_refusal(
        self, guarded_server: HttpServer, connect: Connect, era: str
    ) -> None:
        mine = request_id()
        reply = connect(guarded_server, era=era).rpc("tools/list", x_request_id=mine)
        assert reply.status == 401
        assert reply.refusal["correlation_id"] == mine == reply.headers["x-request-id"]


class TestOfficialClient:
    """The official client is content with both eras."""

    @pytest.mark.anyio
    @pytest.mark.parametrize(("mode", "version"), [("auto", MODERN), ("legacy", LEGACY)])
    async def test_session(self, open_server: HttpServer, mode: str, version: str) -> None:
        async with Client(f"{open_server.url}/mcp", mode=mode) as client:
            assert client.protocol_version == version
            assert client.instructions
            assert {tool.name for tool in (await client.list_tools()).tools} >= {"process_text", "lookup_record"}
            called = await client.call_tool("process_text", {"text": "straße", "options": {"uppercase": True}})
            assert called.structured_content["result"] == "STRASSE"
            assert [str(resource.uri) for resource in (await client.list_resources()).resources]
            templates = (await client.list_resource_templates()).resource_templates
            assert [template.uri_template for template in templates] == ["operation://{operation_id}"]
            prompt = await client.get_prompt("summarize_text", {"text": "x"})
            assert prompt.messages[0].role == "user"

    @pytest.mark.anyio
    @pytest.mark.parametrize("mode", ["auto", "legacy"])
    async def test_progress_reaches_the_client(self, open_server: HttpServer, mode: str) -> None:
        seen: list[float] = []

        async def progress(value: float, total: float | None, _: str | None) -> None:
            assert total == 1
            seen.append(value)

        async with Client(f"{open_server.url}/mcp", mode=mode) as client:
            started = await client.call_tool("start_operation", {"steps": 8, "step_milliseconds": 150})
            operation = started.structured_content["operation_id"]
            status = started.structured_content["status"]
            while status not in ("completed", "failed"):
                checked = await client.call_tool(
                    "check_operation_status",
                    {"operation_id": operation, "wait_seconds": 20},
                    progress_callback=progress,
                )
                status = checked.structured_content["status"]
        assert status == "completed"
        assert seen
        assert all(0 <= value <= 1 for value in seen)
        assert seen == sorted(seen)
