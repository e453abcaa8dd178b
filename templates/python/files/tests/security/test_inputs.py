"""Hostile input: it reaches no other field, and the server lives."""

import json
from typing import Any

import pytest

from tests.fixtures.application import application
from tests.fixtures.wire import request


@pytest.mark.parametrize(
    "uri", ["fixture://../../facts", "fixture://facts/../x", "file:///etc/passwd"]
)
async def test_no_uri_leaves_its_scheme(uri: str) -> None:
    async with application() as app:
        answer = await app.send("resources/read", uri=uri)

    assert answer.message["error"]["code"] == -32602
    assert "root:" not in json.dumps(answer.message)


@pytest.mark.parametrize("body", [b'{"a":' * 100_000, b"[" * 100_000, b'{"id": 1e999}', b"NaN"])
async def test_a_body_built_to_harm_is_only_refused(body: bytes) -> None:
    headers, _ = request("tools/list")
    async with application() as app:
        response = await app.http.post("/mcp", headers=headers, content=body)
        after = await app.call("echo", text="still here")

    assert response.status_code == 400
    assert after.output["said"] == "still here"


@pytest.mark.parametrize("arguments", [None, [], "text", 3])
async def test_arguments_are_an_object(arguments: Any) -> None:
    async with application() as app:
        answer = await app.send("tools/call", name="echo", arguments=arguments)

    if arguments is None:
        assert answer.error["details"]["fields"] == [{"field": "text", "reason": "is required"}]
    else:
        assert answer.message["error"]["code"] == -32602


async def test_a_name_in_a_header_does_not_stand_in_for_the_body() -> None:
    headers, body = request("tools/call", name="change", arguments={})
    async with application(MCP_ENABLE_WRITES="true") as app:
        response = await app.http.post("/mcp", headers=headers | {"Mcp-Name": "echo"}, content=body)

    assert "operation_id" not in response.text
