"""Nothing secret and nothing that a caller sent stands in an answer, a log line or a metric."""

import json
from pathlib import Path

import httpx2

from tests.support import Issuer, answer, http_server, request

CANARY = "canary-7f3a"


def test_canaries_stay_where_they_are(issuer: Issuer, tmp_path: Path) -> None:
    key_file = tmp_path / "key"
    key_file.write_text(f"{CANARY}-key", encoding="utf-8")
    settings = issuer.settings() | {
        "MCP_API_KEY_FILE": str(key_file),
        "MCP_API_BASE_URL": f"http://user:{CANARY}-url@127.0.0.1:9/?q={CANARY}",
        "MCP_DEBUG_MODE": "true",
        "MCP_ENABLE_WRITES": "true",
        "MCP_LOG_LEVEL": "DEBUG",
        "MCP_RETRY_ATTEMPTS": "1",
    }
    scopes = ("text:read", "records:read", "operations:write", "config:read")
    token = issuer.token(*scopes, email=f"{CANARY}@example.com")
    sent = [
        request("tools/call", name="process_text", arguments={"text": 1, CANARY: CANARY}),
        request("tools/call", name="lookup_record", arguments={"record_id": CANARY}),
        request("tools/call", name="lookup_record", arguments={"record_id": f"../{CANARY}"}),
        request("tools/call", name="start_operation", arguments={"idempotency_key": CANARY}),
        request("tools/call", name=f"no-{CANARY}", arguments={}),
        request("resources/read", uri="config://server-settings"),
        request("prompts/get", name="summarize_text", arguments={}),
        request("prompts/get", name=CANARY, arguments={"text": CANARY}),
    ]
    answers = []
    with http_server(tmp_path / "server.log", **settings) as server:
        for headers, body in sent:
            authorization = {"Authorization": f"Bearer {token}"}
            response = httpx2.post(
                f"{server.url}/mcp", headers=headers | authorization, content=body
            )
            answers.append(json.dumps(answer(response.text)))
        forged = httpx2.post(
            f"{server.url}/mcp",
            headers=sent[0][0] | {"Authorization": f"Bearer {CANARY}.{CANARY}.{CANARY}"},
            content=sent[0][1],
        )
        beside = [httpx2.get(f"{server.url}/{path}").text for path in ("health", "metrics")]
        log = server.log.read_text(encoding="utf-8")

    # An unknown argument is named, so that the caller can correct it; its value is not.
    first = answers[0].replace(f"{CANARY} is not allowed", "").replace(f'\\"{CANARY}\\"', "", 1)
    for text in (first, *answers[1:], forged.text, *beside):
        assert CANARY not in text
    assert CANARY not in log
    assert token not in log
    assert token.split(".")[2] not in log


def test_the_audit_trail_says_who_did_what(issuer: Issuer, tmp_path: Path) -> None:
    with http_server(tmp_path / "server.log", **issuer.settings()) as server:
        for request_id, scope in (("first", "text:read"), ("second", "other")):
            headers, body = request("tools/call", name="process_text", arguments={"text": "hello"})
            headers |= {
                "Authorization": f"Bearer {issuer.token(scope)}",
                "X-Request-ID": request_id,
            }
            httpx2.post(f"{server.url}/mcp", headers=headers, content=body)
        events = server.events()

    (called,) = (each for each in events if each["event"] == "audit.tool_called")
    (denied,) = (each for each in events if each["event"] == "audit.denied")
    (completed,) = (each for each in events if each["event"] == "tool.completed")
    assert (called["subject"], called["name"], called["outcome"]) == (
        "alice",
        "process_text",
        "success",
    )
    assert called["arguments_digest"]
    assert called["correlation_id"] == completed["correlation_id"] == "first"
    assert (denied["subject"], denied["outcome"]) == ("alice", "insufficient_scope")
    assert denied["correlation_id"] == "second"
    assert completed["duration_ms"] > 0
