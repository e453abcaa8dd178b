"""Nothing secret and nothing that a caller sent stands in an answer, a log line or a metric."""

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.fixtures.issuer import Issuer
from tests.fixtures.process import Server, http_server
from tests.fixtures.wire import answer, request

CANARY = "canary-7f3a"
SCOPES = ("echo:read", "ask:read", "change:write", "facts:read", "fail:read")


@pytest.fixture(scope="module")
def server(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose every secret is a canary, told to log all it can."""
    folder = tmp_path_factory.mktemp("leaks")
    key_file = folder / "key"
    key_file.write_text(f"{CANARY}-key", encoding="utf-8")
    settings = issuer.settings() | {
        "MCP_NEIGHBOUR_KEY_FILE": str(key_file),
        "MCP_NEIGHBOUR_URL": "http://127.0.0.1:9",
        "MCP_STATE_URL": "memory://",
        "MCP_DEBUG_MODE": "true",
        "MCP_ENABLE_WRITES": "true",
        "MCP_LOG_LEVEL": "DEBUG",
        "MCP_RETRY_ATTEMPTS": "1",
    }
    with http_server(folder / "server.log", **settings) as running:
        yield running


def send(server: Server, token: str, method: str, *, request_id: str = "id", **params: Any) -> str:
    """Return what the server answers, in one line."""
    headers, body = request(method, **params)
    headers |= {"Authorization": f"Bearer {token}", "X-Request-ID": request_id}
    response = httpx2.post(f"{server.url}/mcp", headers=headers, content=body)
    return json.dumps(answer(response.text))


def test_canaries_stay_where_they_are(server: Server, issuer: Issuer) -> None:
    token = issuer.token(*SCOPES, email=f"{CANARY}@example.com")

    def call(tool: str, **arguments: Any) -> str:
        return send(server, token, "tools/call", name=tool, arguments=arguments)

    answers = [
        call("echo", text=1, options={"loud": CANARY}),
        call("fail", kind="crash"),
        call("ask", path=CANARY),
        call("change", key=CANARY),
        call("change", key=CANARY, seconds=3),
        call(f"no-{CANARY}"),
        send(server, token, "resources/read", uri="fixture://facts"),
        send(server, token, "prompts/get", name="greet", arguments={}),
        send(server, token, "prompts/get", name=CANARY, arguments={"text": CANARY}),
        send(server, token, f"no/{CANARY}"),
        send(server, f"{CANARY}.{CANARY}.{CANARY}", "tools/list"),
        *(httpx2.get(f"{server.url}/{path}").text for path in ("health", "metrics")),
    ]

    for text in answers:
        assert CANARY not in text
    log = server.log.read_text(encoding="utf-8")
    assert "audit.tool_called" in log
    assert CANARY not in log
    assert token not in log
    assert token.rpartition(".")[2] not in log


def test_the_audit_trail_says_who_did_what(server: Server, issuer: Issuer) -> None:
    hello = {"name": "echo", "arguments": {"text": "hello"}}
    for request_id, scope in (("first", "echo:read"), ("second", "other")):
        token = issuer.token(scope, sub="bob")
        send(server, token, "tools/call", request_id=request_id, **hello)

    events = {(each["event"], each["correlation_id"]): each for each in server.events()}
    called = events["audit.tool_called", "first"]
    denied = events["audit.denied", "second"]
    completed = events["tool.completed", "first"]
    assert (called["subject"], called["outcome"]) == ("bob", "success")
    assert called["name"] == completed["tool_name"] == "echo"
    assert called["arguments_digest"]
    assert (denied["subject"], denied["outcome"]) == ("bob", "insufficient_scope")
    assert completed["duration_ms"] > 0
    assert "audit.secret_read" in {event for event, _ in events}
