"""Every tool, resource and operation is for those who hold the scope, and for its owner."""

from typing import Any

import pytest

from tests.application import Application, application
from tests.support import Issuer

OPERATION = "o" * 32
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "process_text": ("text:read", {"text": "hello"}),
    "lookup_record": ("records:read", {"record_id": "r1"}),
    "start_operation": ("operations:write", {"steps": 1}),
    "check_operation_status": ("operations:read", {"operation_id": OPERATION}),
    "cancel_operation": ("operations:write", {"operation_id": OPERATION}),
}
SCOPES = ["text:read", "records:read", "operations:read", "operations:write", "config:read"]


def settings(issuer: Issuer) -> dict[str, str]:
    return issuer.settings() | {
        "MCP_ENABLE_WRITES": "true",
        "MCP_API_BASE_URL": "http://127.0.0.1:9",
        "MCP_RETRY_ATTEMPTS": "1",
    }


async def test_the_matrix_covers_every_tool(issuer: Issuer) -> None:
    async with application(**settings(issuer)) as app:
        listed = await app.send("tools/list", issuer.token())

    assert [tool["name"] for tool in listed.message["result"]["tools"]] == list(CALLS)


@pytest.mark.parametrize("scope", SCOPES)
async def test_a_scope_opens_its_own_tools_and_no_others(issuer: Issuer, scope: str) -> None:
    async with application(**settings(issuer)) as app:
        for tool, (needed, arguments) in CALLS.items():
            answer = await app.call(tool, issuer.token(scope), **arguments)
            if scope == needed:
                assert answer.http.status_code == 200, tool
                continue
            assert answer.http.status_code == 403, tool
            assert answer.error["code"] == "insufficient_scope"
            assert answer.error["details"] == {"required_scopes": [needed]}
            challenge = answer.http.headers["www-authenticate"]
            assert f'error="insufficient_scope", scope="{needed}"' in challenge


@pytest.mark.parametrize(
    ("uri", "needed"),
    [("config://server-settings", "config:read"), (f"operation://{OPERATION}", "operations:read")],
)
async def test_resources_have_scopes_too(issuer: Issuer, uri: str, needed: str) -> None:
    async with application(**settings(issuer)) as app:
        others = issuer.token(*(scope for scope in SCOPES if scope != needed))
        denied = await app.send("resources/read", others, uri=uri)
        allowed = await app.send("resources/read", issuer.token(needed), uri=uri)

    assert denied.http.status_code == 403
    assert denied.error["details"] == {"required_scopes": [needed]}
    assert allowed.http.status_code != 403


async def start(app: Application, token: str) -> str:
    started = await app.call("start_operation", token, steps=100, step_milliseconds=1000)
    operation_id: str = started.output["operation_id"]
    return operation_id


async def test_another_subjects_operation_does_not_exist(issuer: Issuer) -> None:
    alice = issuer.token("operations:read", "operations:write")
    bob = issuer.token("operations:read", "operations:write", sub="bob")
    async with application(**settings(issuer)) as app:
        operation_id = await start(app, alice)

        for tool in ("check_operation_status", "cancel_operation"):
            stolen = await app.call(tool, bob, operation_id=operation_id)
            unknown = await app.call(tool, bob, operation_id=OPERATION)
            assert stolen.error["code"] == "operation_not_found"
            assert stolen.error["message"] == unknown.error["message"]
        resource = await app.send("resources/read", bob, uri=f"operation://{operation_id}")
        assert resource.message["error"]["code"] == -32602

        checked = await app.call("check_operation_status", alice, operation_id=operation_id)
        assert checked.output["status"] in {"started", "running"}


async def test_one_subjects_key_means_nothing_to_another(issuer: Issuer) -> None:
    scopes = ("operations:read", "operations:write")
    async with application(**settings(issuer)) as app:
        started = [
            await app.call(
                "start_operation", issuer.token(*scopes, sub=subject), idempotency_key="same"
            )
            for subject in ("alice", "alice", "bob")
        ]

    first, again, other = (answer.output["operation_id"] for answer in started)
    assert first == again != other


async def test_writes_are_off_until_they_are_wanted(issuer: Issuer) -> None:
    async with application(**issuer.settings()) as app:
        token = issuer.token(*SCOPES)
        listed = await app.send("tools/list", token)
        called = await app.call("start_operation", token)

    assert [tool["name"] for tool in listed.message["result"]["tools"]] == ["process_text"]
    assert called.message["error"]["code"] == -32602
