"""The external service: a real one on this machine that answers as it is told."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream

from tests.application import Application, application
from tests.support import Issuer

KEY = "the-key"
RECORD = {"name": "a record"}
HANG = 0


@dataclass(frozen=True)
class Reply:
    """An answer of the service; a status of HANG is none at all."""

    status: int = 200
    body: bytes = json.dumps(RECORD).encode()
    headers: tuple[str, ...] = ()


@dataclass
class Service:
    """A records service: gives these replies in turn, then good ones; remembers its requests."""

    replies: list[Reply] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    url: str = ""

    async def handle(self, stream: SocketStream) -> None:
        async with stream:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += await stream.receive()
            self.requests.append(head.decode())
            reply = self.replies.pop(0) if self.replies else Reply()
            if reply.status == HANG:
                await anyio.sleep_forever()
            length = f"Content-Length: {len(reply.body)}"
            lines = [f"HTTP/1.1 {reply.status} Said", length, "Connection: close", *reply.headers]
            await stream.send("\r\n".join([*lines, "", ""]).encode() + reply.body)


@asynccontextmanager
async def serving(*replies: Reply) -> AsyncIterator[Service]:
    """Run the service on a port of the system's choice."""
    service = Service(list(replies))
    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as tasks,
    ):
        port = listener.extra(SocketAttribute.local_port)
        service.url = f"http://127.0.0.1:{port}/v1"
        tasks.start_soon(listener.serve, service.handle)
        yield service
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def lookups(*replies: Reply, **settings: str) -> AsyncIterator[tuple[Service, Application]]:
    """Run the service and an application that uses it."""
    async with (
        serving(*replies) as service,
        application(MCP_API_BASE_URL=service.url, **settings) as app,
    ):
        yield service, app


async def test_a_record_is_fetched() -> None:
    async with lookups(MCP_API_KEY=KEY) as (service, app):
        answer = await app.call("lookup_record", record_id="r-1")

    assert answer.output["record_id"] == "r-1"
    assert answer.output["record"] == RECORD
    (request,) = service.requests
    assert request.startswith("GET /v1/records/r-1 HTTP/1.1\r\n")
    assert f"authorization: bearer {KEY}\r\n" in request.lower()
    assert "accept: application/json\r\n" in request.lower()


async def test_the_callers_token_stays_here(issuer: Issuer) -> None:
    token = issuer.token("records:read")
    async with lookups(**issuer.settings()) as (service, app):
        await app.call("lookup_record", token, record_id="r-1")

    (request,) = service.requests
    assert token not in request
    assert "authorization" not in request.lower()


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_what_may_pass_is_tried_again(status: int) -> None:
    async with lookups(Reply(status), Reply(status)) as (service, app):
        answer = await app.call("lookup_record", record_id="r-1")

    assert answer.output["record"] == RECORD
    assert len(service.requests) == 3


async def test_the_service_says_when_to_come_back() -> None:
    async with lookups(Reply(503, headers=("Retry-After: 1",))) as (_, app):
        began = anyio.current_time()
        answer = await app.call("lookup_record", record_id="r-1")

    assert answer.output["record"] == RECORD
    assert anyio.current_time() - began >= 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply(500),
        Reply(403),
        Reply(301, headers=("Location: http://127.0.0.1:9/elsewhere",)),
        Reply(200, b"not JSON"),
        Reply(200, b"[1, 2]"),
        Reply(200, b'"text"'),
        Reply(200, b'{"big": "' + b"x" * 5000 + b'"}'),
        Reply(503, headers=("Retry-After: 3600",)),
    ],
)
async def test_what_cannot_help_is_not_tried_again(reply: Reply) -> None:
    async with lookups(reply, MCP_MAX_RESULT_BYTES="4000") as (service, app):
        answer = await app.call("lookup_record", record_id="r-1")

    assert answer.error["code"] == "dependency_unavailable"
    assert answer.error["message"] == "external_api is unavailable"
    assert len(service.requests) == 1


async def test_a_record_that_is_not_there_is_not_a_failure() -> None:
    async with lookups(*[Reply(404)] * 9, MCP_BREAKER_FAILURES="1") as (service, app):
        for _ in range(3):
            answer = await app.call("lookup_record", record_id="r-1")
            assert answer.error["category"] == "business_error"
            assert answer.error["code"] == "record_not_found"

    assert len(service.requests) == 3


async def test_a_service_that_is_not_there_is_unavailable() -> None:
    async with serving() as service:
        gone = service.url
    async with application(MCP_API_BASE_URL=gone) as app:
        answer = await app.call("lookup_record", record_id="r-1")

    assert answer.error["code"] == "dependency_unavailable"


async def test_the_breaker_opens_and_closes_by_itself() -> None:
    settings = {
        "MCP_BREAKER_FAILURES": "2",
        "MCP_BREAKER_RESET_SECONDS": "0.5",
        "MCP_RETRY_ATTEMPTS": "1",
    }
    async with lookups(Reply(500), Reply(500), **settings) as (service, app):
        for _ in range(5):
            answer = await app.call("lookup_record", record_id="r-1")
            assert answer.error["code"] == "dependency_unavailable"
        assert len(service.requests) == 2, "an open breaker lets nothing through"
        health = (await app.http.get("/health")).json()
        metrics = (await app.http.get("/metrics")).text
        assert health["status"] == "degraded"
        assert health["checks"]["external_api"] == "degraded"
        assert 'mcp_circuit_breaker_state{dependency="external_api"} 2.0' in metrics

        await anyio.sleep(0.6)
        assert (await app.call("lookup_record", record_id="r-1")).output["record"] == RECORD
        assert (await app.http.get("/health")).json()["status"] == "healthy"


async def test_a_hanging_service_starves_nobody_else() -> None:
    settings = {
        "MCP_API_MAX_CONCURRENCY": "1",
        "MCP_API_TIMEOUT_SECONDS": "0.5",
        "MCP_RETRY_ATTEMPTS": "1",
    }
    async with lookups(Reply(HANG), **settings) as (_, app):
        codes: list[str] = []

        async def look_up() -> None:
            codes.append((await app.call("lookup_record", record_id="r-1")).error["code"])

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(look_up)
            await anyio.sleep(0.1)
            with anyio.fail_after(0.3):
                refused = await app.call("lookup_record", record_id="r-2")
                answer = await app.call("process_text", text="hello")

    assert refused.error["code"] == "dependency_unavailable"
    assert answer.output["result"] == "hello"
    assert codes == ["dependency_unavailable"]


async def test_the_tools_time_bounds_everything_it_does() -> None:
    settings = {"MCP_TOOL_TIMEOUT_SECONDS": "0.4", "MCP_RETRY_ATTEMPTS": "50"}
    async with lookups(*[Reply(503)] * 50, **settings) as (_, app):
        began = anyio.current_time()
        answer = await app.call("lookup_record", record_id="r-1")

    assert answer.error["code"] == "timeout"
    assert anyio.current_time() - began < 1


async def test_text_from_outside_is_cleaned_at_every_depth() -> None:
    dirty = {
        "title": "\x1b[31mred\x1b[0m \x1b]0;window title\x07and\x00 plain",
        "lines": ["one\ntwo\tthree", "bell\x07", {"\x1b[1mkey": "c1\x9b31m"}],
    }
    async with lookups(Reply(body=json.dumps(dirty).encode())) as (_, app):
        answer = await app.call("lookup_record", record_id="r-1")

    assert answer.output["record"]["title"] == "red and plain"
    assert answer.output["record"]["lines"][:2] == ["one\ntwo\tthree", "bell"]
    (key,) = answer.output["record"]["lines"][2]
    assert key == "key"
    assert "\x9b" not in answer.output["record"]["lines"][2][key]


async def test_a_rotated_key_is_used_without_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("first", encoding="utf-8")
    async with lookups(MCP_API_KEY_FILE=str(path)) as (service, app):
        await app.call("lookup_record", record_id="r-1")
        path.write_text("the second", encoding="utf-8")
        await app.call("lookup_record", record_id="r-1")

    first, second = (request.lower() for request in service.requests)
    assert "authorization: bearer first\r\n" in first
    assert "authorization: bearer the second\r\n" in second
