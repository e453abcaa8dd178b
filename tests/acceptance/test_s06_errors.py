"""Section 6: every failure is the same envelope, and tells nothing it should not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from kit.stub import Answer
from kit.wire import request_id

if TYPE_CHECKING:
    from conftest import Connect
    from kit.process import HttpServer
    from kit.stub import Records
    from kit.wire import Wire

CATEGORIES = {
    "invalid_argument": "client_error",
    "unauthenticated": "client_error",
    "forbidden": "client_error",
    "unsupported_media_type": "client_error",
    "record_not_found": "business_error",
    "operation_not_found": "business_error",
    "dependency_unavailable": "server_error",
    "result_too_large": "server_error",
}
KEYS = {"category", "code", "message", "details", "correlation_id"}
LEAKS = re.compile(r"Traceback|File \"|\.py\b|\.js:|\.ts:|\.go:|\.rs:|node_modules|site-packages|panicked|pydantic|zod")


def failing_call(wire: Wire, code: str, records: Records) -> dict[str, Any]:
    """Make the server fail with that code inside a tool call; the correlation id of the error is checked."""
    records.script("gone", Answer(404, {}))
    records.script("broken", Answer(500, {}))
    calls: dict[str, tuple[str, dict[str, Any]]] = {
        "invalid_argument": ("process_text", {}),
        "record_not_found": ("lookup_record", {"record_id": "gone"}),
        "operation_not_found": ("cancel_operation", {"operation_id": "x" * 16}),
        "dependency_unavailable": ("lookup_record", {"record_id": "broken"}),
    }
    mine = request_id()
    tool, arguments = calls[code]
    error = wire.call(tool, arguments, x_request_id=mine).tool_error
    assert error["correlation_id"] == mine
    return error


@pytest.mark.parametrize(
    "code", ["invalid_argument", "record_not_found", "operation_not_found", "dependency_unavailable"]
)
def test_tool_errors(wire: Wire, records: Records, code: str) -> None:
    error = failing_call(wire, code, records)
    assert set(error) == KEYS
    assert error["code"] == code
    assert error["category"] == CATEGORIES[code]
    if code != "invalid_argument":
        assert error["details"] == {}


@pytest.mark.parametrize(
    ("code", "status", "headers"),
    [
        ("unauthenticated", 401, {}),
        ("forbidden", 403, {"host": "evil.example"}),
        ("forbidden", 403, {"origin": "https://evil.example"}),
    ],
    ids=["token", "host", "origin"],
)
def test_refusals(
    guarded_server: HttpServer, connect: Connect, era: str, code: str, status: int, headers: dict[str, str]
) -> None:
    reply = connect(guarded_server, era=era).rpc("tools/list", **headers)
    assert reply.status == status
    assert reply.headers["content-type"].startswith("application/json")
    assert set(reply.answer) == {"jsonrpc", "id", "error"}
    assert set(reply.refusal) == KEYS
    assert (reply.refusal["code"], reply.refusal["category"]) == (code, CATEGORIES[code])
    assert reply.refusal["details"] == {}


def test_a_correlation_id_is_made_when_none_is_given(wire: Wire) -> None:
    reply = wire.call("process_text", {})
    assert reply.tool_error["correlation_id"] == reply.headers["x-request-id"]


def test_rejected_values_come_back_nowhere(open_server: HttpServer, wire: Wire) -> None:
    canary = "canary-value-77"
    for tool, arguments in (
        ("process_text", {"text": [canary]}),
        ("process_text", {"text": "x", "options": {"trim": canary}}),
        ("lookup_record", {"record_id": f"../{canary}"}),
        ("start_operation", {"idempotency_key": f"{canary} "}),
        ("check_operation_status", {"operation_id": f"{canary}!"}),
        ("no_such_tool", {"text": canary}),
    ):
        reply = wire.call(tool, arguments)
        assert canary not in reply.text, tool
        assert not LEAKS.search(reply.text), reply.text
    assert canary not in wire.read(f"operation://{canary}!").error["message"]
    assert wire.get("/live").status == 200
    assert canary not in open_server.log.text


def test_a_deep_record_is_survived(wire: Wire, records: Records) -> None:
    deep = b'{"a":' * 20_000 + b"1" + b"}" * 20_000
    records.script("deep", Answer(body=deep))
    reply = wire.call("lookup_record", {"record_id": "deep"})
    assert reply.status == 200
    if reply.result.get("isError"):
        assert reply.tool_error["code"] in ("dependency_unavailable", "result_too_large")
    assert not LEAKS.search(reply.text), reply.text[:500]
    assert wire.call("process_text", {"text": "x"}).output["result"] == "x"


def test_a_result_that_is_too_large(narrow_server: HttpServer, connect: Connect, era: str) -> None:
    wire = connect(narrow_server, era=era)
    assert wire.call("process_text", {"text": "x"}).output
    error = wire.call("process_text", {"text": "\U0001f600" * 1000}).tool_error
    assert error["code"] == "result_too_large"
    assert error["category"] == CATEGORIES["result_too_large"]
    assert error["message"] == "the result is larger than allowed"


def test_debug_mode_adds_nothing_to_answers(
    narrow_server: HttpServer, connect: Connect, records: Records, era: str
) -> None:
    records.script("broken-debug", Answer(200, b"<canary>"))
    reply = connect(narrow_server, era=era).call("lookup_record", {"record_id": "broken-debug"})
    assert set(reply.tool_error) == KEYS
    assert not LEAKS.search(reply.text)
    assert "canary" not in reply.text


def test_unsupported_media_type_is_told_with_its_category(wire: Wire) -> None:
    reply = wire.rpc("tools/list", content_type="text/plain")
    assert reply.refusal["category"] == CATEGORIES["unsupported_media_type"]
    assert set(reply.refusal) == KEYS
