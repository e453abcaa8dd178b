"""What a caller may do, and whose operations it sees."""

import json

from tests.fixtures.application import application
from tests.fixtures.issuer import Issuer

SCOPES = ("change:read", "change:write")


def settings(issuer: Issuer) -> dict[str, str]:
    return issuer.settings() | {"MCP_ENABLE_WRITES": "true"}


async def test_another_subjects_operation_does_not_exist(issuer: Issuer) -> None:
    alice, bob = issuer.token(*SCOPES), issuer.token(*SCOPES, sub="bob")
    async with application(**settings(issuer)) as app:
        started = await app.call("change", alice, seconds=60)
        uri = f"fixture://changes/{started.output['operation_id']}"
        own = await app.send("resources/read", alice, uri=uri)
        stolen = await app.send("resources/read", bob, uri=uri)
        unknown = await app.send("resources/read", bob, uri=f"fixture://changes/{'o' * 32}")

    state = json.loads(own.message["result"]["contents"][0]["text"])
    assert state["status"] in {"started", "running"}
    assert stolen.message["error"]["code"] == -32602
    assert stolen.message["error"]["message"] == unknown.message["error"]["message"]


async def test_one_subjects_key_means_nothing_to_another(issuer: Issuer) -> None:
    async with application(**settings(issuer)) as app:
        started = [
            await app.call("change", issuer.token(*SCOPES, sub=subject), key="same")
            for subject in ("alice", "alice", "bob")
        ]

    first, again, other = (answer.output["operation_id"] for answer in started)
    assert first == again != other


async def test_writes_are_off_until_they_are_wanted(issuer: Issuer) -> None:
    async with application(**issuer.settings()) as app:
        token = issuer.token(*SCOPES)
        listed = await app.send("tools/list", token)
        called = await app.call("change", token)

    assert [tool["name"] for tool in listed.message["result"]["tools"]] == ["echo", "pause", "fail"]
    assert called.message["error"]["code"] == -32602
