"""Calls to an external service: a real one on this machine that answers as it is told."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest

from tests.fixtures.application import Application, application
from tests.fixtures.issuer import Issuer
from tests.fixtures.upstream import HANG, RECORD, Reply, Upstream, serving
from tests.fixtures.wire import request

KEY = "the-key"


@asynccontextmanager
async def lookups(*replies: Reply, **settings: str) -> AsyncIterator[tuple[Upstream, Application]]:
    """Run the service and an application that uses it."""
    async with (
        serving(*replies) as service,
        application(MCP_NEIGHBOUR_URL=service.url, **settings) as app,
    ):
        yield service, app


async def test_a_record_is_fetched() -> None:
    async with lookups(MCP_NEIGHBOUR_KEY=KEY) as (service, app):
        answer = await app.call("ask")

    assert answer.output["status"] == 200
    assert answer.output["body"] == RECORD
    (request,) = service.requests
    assert request.startswith("GET /v1/records/r-1 HTTP/1.1\r\n")
    assert f"authorization: bearer {KEY}\r\n" in request.lower()
    assert "accept: application/json\r\n" in request.lower()


async def test_the_callers_token_stays_here(issuer: Issuer) -> None:
    token = issuer.token("ask:read")
    async with lookups(**issuer.settings()) as (service, app):
        await app.call("ask", token)

    (request,) = service.requests
    assert token not in request
    assert "authorization" not in request.lower()


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_what_may_pass_is_tried_again(status: int) -> None:
    async with lookups(Reply(status), Reply(status)) as (service, app):
        answer = await app.call("ask")

    assert answer.output["body"] == RECORD
    assert len(service.requests) == 3


async def test_the_service_says_when_to_come_back() -> None:
    async with lookups(Reply(503, headers=("Retry-After: 1",))) as (_, app):
        began = anyio.current_time()
        answer = await app.call("ask")

    assert answer.output["body"] == RECORD
    assert anyio.current_time() - began >= 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, b"not JSON"),
        Reply(200, b"\xff"),
        Reply(200, b"[" * 300 + b"]" * 300),
        Reply(200, b'{"big": 1e999}'),
        Reply(200, b'{"big": "' + b"x" * 5000 + b'"}'),
        Reply(503, headers=("Retry-After: 3600",)),
    ],
)
async def test_what_cannot_help_is_not_tried_again(reply: Reply) -> None:
    async with lookups(reply, MCP_MAX_RESULT_BYTES="4000") as (service, app):
        answer = await app.call("ask")

    assert answer.error["code"] == "dependency_unavailable"
    assert answer.error["message"] == "neighbour is unavailable"
    assert len(service.requests) == 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply(400),
        Reply(403),
        Reply(404),
        Reply(301, headers=("Location: http://127.0.0.1:9/elsewhere",)),
    ],
)
async def test_an_answer_about_one_request_is_final_and_no_failure(reply: Reply) -> None:
    async with lookups(*[reply] * 9, MCP_BREAKER_FAILURES="1") as (service, app):
        for _ in range(3):
            assert (await app.call("ask")).output["status"] == reply.status
        assert app.parts.health()["neighbour"] == "healthy"

    assert len(service.requests) == 3


async def test_nothing_of_one_caller_goes_on_but_the_trace() -> None:
    headers, body = request("tools/call", name="ask", arguments={})
    traced = {
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "baggage": "user=canary",
        "X-Canary": "canary",
        "Cookie": "canary=1",
    }
    async with lookups(Reply(headers=("Set-Cookie: canary=1; Path=/",))) as (service, app):
        await app.http.post("/mcp", headers=headers | traced, content=body)
        await app.call("ask")

    assert "traceparent: 00-0af7651916cd43dd8448eb211c80319c" in service.requests[0].lower()
    assert "canary" not in "".join(service.requests)


async def test_a_proxy_of_the_environment_is_not_for_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with lookups() as (_, app):
        assert (await app.call("ask")).output["body"] == RECORD


async def test_a_service_that_is_not_there_is_unavailable() -> None:
    async with serving() as service:
        gone = service.url
    async with application(MCP_NEIGHBOUR_URL=gone) as app:
        answer = await app.call("ask")

    assert answer.error["code"] == "dependency_unavailable"


async def test_the_breaker_opens_and_closes_by_itself() -> None:
    settings = {
        "MCP_BREAKER_FAILURES": "2",
        "MCP_BREAKER_RESET_SECONDS": "0.5",
        "MCP_RETRY_ATTEMPTS": "1",
    }
    async with lookups(Reply(500), Reply(500), **settings) as (service, app):
        for _ in range(5):
            answer = await app.call("ask")
            assert answer.error["code"] == "dependency_unavailable"
        assert len(service.requests) == 2, "an open breaker lets nothing through"
        health = (await app.http.get("/health")).json()
        metrics = (await app.http.get("/metrics")).text
        assert health["status"] == "degraded"
        assert health["checks"]["neighbour"] == "degraded"
        assert 'mcp_circuit_breaker_state{dependency="neighbour"} 2.0' in metrics

        await anyio.sleep(0.6)
        assert (await app.call("ask")).output["body"] == RECORD
        assert (await app.http.get("/health")).json()["status"] == "healthy"


async def test_a_hanging_service_starves_nobody_else() -> None:
    settings = {
        "MCP_RETRY_ATTEMPTS": "1",
    }
    async with lookups(Reply(HANG), **settings) as (_, app):
        codes: list[str] = []

        async def look_up() -> None:
            codes.append((await app.call("ask")).error["code"])

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(look_up)
            await anyio.sleep(0.1)
            with anyio.fail_after(0.3):
                refused = await app.call("ask")
                answer = await app.call("echo", text="hello")

    assert refused.error["code"] == "dependency_unavailable"
    assert answer.output["said"] == "hello"
    assert codes == ["dependency_unavailable"]


async def test_the_tools_time_bounds_everything_it_does() -> None:
    settings = {"MCP_TOOL_TIMEOUT_SECONDS": "0.4", "MCP_RETRY_ATTEMPTS": "50"}
    async with lookups(*[Reply(503)] * 50, **settings) as (_, app):
        began = anyio.current_time()
        answer = await app.call("ask")

    assert answer.error["code"] == "timeout"
    assert anyio.current_time() - began < 1


async def test_text_from_outside_is_cleaned() -> None:
    dirty = json.dumps({"title": "\x1b[31mred\x1b[0m \u202eevil\U000e0041"})
    async with lookups(Reply(body=b"\xef\xbb\xbf" + dirty.encode())) as (_, app):
        answer = await app.call("ask")

    assert answer.output["body"] == {"title": "red evil"}
