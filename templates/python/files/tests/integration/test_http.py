"""HTTP around the protocol: who is refused and how, limits, headers, health."""

import json
from typing import Any

import anyio
import pytest

from tests.fixtures.application import Application, application
from tests.fixtures.wire import ERAS, LEGACY, MODERN, request


def call(era: str = MODERN, **headers: str) -> dict[str, Any]:
    """Return a good tool call over HTTP with other headers."""
    standard, body = request("tools/call", era, name="echo", arguments={"text": "hello"})
    return {
        "headers": standard | {name.replace("_", "-"): v for name, v in headers.items()},
        "content": body,
    }


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("headers", "status", "code", "message"),
    [
        *(
            (
                {"Accept": accept},
                406,
                "not_acceptable",
                "Accept must allow application/json and text/event-stream",
            )
            for accept in ("application/json", "text/event-stream", "*/*;q=0", "")
        ),
        ({"Host": "evil.example.com"}, 403, "forbidden", "host not allowed"),
        ({"Origin": "https://evil.example.com"}, 403, "forbidden", "origin not allowed"),
        ({"Origin": "null"}, 403, "forbidden", "origin not allowed"),
        (
            {"Content_Type": "text/plain"},
            415,
            "unsupported_media_type",
            "content type must be application/json",
        ),
    ],
)
async def test_a_refusal_is_a_json_rpc_error(
    era: str, headers: dict[str, str], status: int, code: str, message: str
) -> None:
    limit = {"MCP_RATE_LIMIT_PER_MINUTE": "1", "MCP_RATE_LIMIT_BURST": "1"}
    async with application(**limit) as app:
        sent = call(era, X_Request_ID="id-1", **headers)
        responses = [await app.http.post("/mcp", **sent) for _ in range(2)]
        metrics = (await app.http.get("/metrics")).text
    response = responses[1]
    assert f'mcp_rejected_requests_total{{reason="{code}"}} 2.0' in metrics

    assert response.status_code == status
    assert response.headers["X-Request-ID"] == "id-1"
    error = response.json()["error"]
    assert error["code"] == status
    assert error["data"] == {
        "category": "client_error",
        "code": code,
        "message": message,
        "details": {},
        "correlation_id": "id-1",
    }


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
async def test_only_post_is_allowed(era: str, method: str) -> None:
    async with application() as app:
        headers = {"MCP-Protocol-Version": era, "Accept": "text/event-stream"}
        with anyio.fail_after(5):
            response = await app.http.request(method, "/mcp", headers=headers)

    assert response.status_code == 405
    assert response.headers["Allow"] == "POST, OPTIONS"


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("body", "code", "request_id"),
    [
        (b"{", -32700, None),
        (b"", -32700, None),
        (b"\xff", -32700, None),
        ('{"jsonrpc": "2.0"}'.encode("utf-16"), -32700, None),
        (b"[]", -32600, None),
        (b'[{"id": 1}]', -32600, None),
        (b'{"jsonrpc": "2.0", "id": 5, "result": {}}', -32600, 5),
        (b'{"jsonrpc": "2.0", "id": "a", "method": "tools/call", "params": []}', -32602, "a"),
    ],
)
async def test_a_body_that_is_no_request_is_a_protocol_error(
    era: str, body: bytes, code: int, request_id: object
) -> None:
    async with application() as app:
        response = await app.http.post("/mcp", headers=call(era)["headers"], content=body)

    assert response.status_code == 400
    assert response.json()["error"]["code"] == code
    assert response.json()["error"]["data"]["code"] == "invalid_request"
    assert response.json()["id"] == request_id


@pytest.mark.parametrize("era", ERAS)
async def test_a_byte_order_mark_and_a_trailing_slash_are_nothing_to_stumble_over(era: str) -> None:
    good = call(era)
    async with application() as app:
        response = await app.http.post(
            "/mcp/", headers=good["headers"], content=b"\xef\xbb\xbf" + good["content"]
        )
        elsewhere = await app.http.post("/live/", **good)

    assert response.status_code == 200
    assert (elsewhere.status_code, elsewhere.json()) == (404, {"error": "not found"})


@pytest.mark.parametrize("era", ERAS)
async def test_what_some_clients_take_for_line_breaks_is_escaped(era: str) -> None:
    async with application() as app:
        answer = await app.send(
            "tools/call", era=era, name="echo", arguments={"text": "a\u2028b\u2029c\x85d"}
        )

    assert answer.output == {"said": "a\u2028b\u2029c\x85d"}
    assert len(answer.http.text.splitlines()) <= 4
    assert "\u2028" not in answer.http.text


async def test_a_body_that_is_too_large_is_refused() -> None:
    async with application(MCP_MAX_BODY_BYTES="1000") as app:
        answer = await app.call("echo", text="x" * 1000)

        async def in_pieces() -> Any:
            for _ in range(200):
                yield b"x" * 10

        streamed = await app.http.post("/mcp", headers=call()["headers"], content=in_pieces())

    assert answer.http.status_code == 413
    assert answer.error["code"] == "too_large"
    assert streamed.status_code == 413


async def test_what_is_allowed_is_decided_on_the_body() -> None:
    """A header that names a harmless method does not open what the body asks for."""
    async with application(MCP_RATE_LIMIT_PER_MINUTE="6", MCP_RATE_LIMIT_BURST="1") as app:
        disguised = call(Mcp_Method="tools/list")
        statuses = [(await app.http.post("/mcp", **disguised)).status_code for _ in range(3)]

    assert 200 not in statuses
    assert 429 in statuses


async def test_calls_are_limited_but_discovery_is_not() -> None:
    async with application(MCP_RATE_LIMIT_PER_MINUTE="6", MCP_RATE_LIMIT_BURST="2") as app:
        answers = [await app.call("echo", text="hello") for _ in range(3)]
        listed = await app.send("tools/list")
        metrics = (await app.http.get("/metrics")).text

    assert [answer.http.status_code for answer in answers] == [200, 200, 429]
    assert answers[-1].error["details"] == {"retry_after_seconds": 10}
    assert answers[-1].http.headers["Retry-After"] == "10"
    assert answers[-1].message["id"] == 1
    assert listed.http.status_code == 200
    assert 'mcp_rejected_requests_total{reason="rate_limited"} 1.0' in metrics


async def test_each_client_behind_a_trusted_proxy_has_its_own_limit() -> None:
    settings = {"MCP_RATE_LIMIT_PER_MINUTE": "6", "MCP_RATE_LIMIT_BURST": "1"}

    async def statuses(app: Application) -> list[int]:
        addresses = ("192.0.2.1", "192.0.2.2", "spoofed, 192.0.2.1")
        calls = [call(X_Forwarded_For=address) for address in addresses]
        return [(await app.http.post("/mcp", **each)).status_code for each in calls]

    async with application(**settings, MCP_TRUSTED_PROXIES="127.0.0.0/8") as app:
        assert await statuses(app) == [200, 200, 429]
    async with application(**settings) as app:
        assert await statuses(app) == [200, 429, 429]


async def test_a_full_server_queues_and_then_refuses() -> None:
    settings = {"MCP_MAX_CONCURRENCY": "1", "MCP_MAX_QUEUE": "1"}
    async with application(**settings) as app:
        statuses: list[int] = []

        async def check() -> None:
            statuses.append((await app.call("pause", seconds=0.5)).http.status_code)

        async with anyio.create_task_group() as tasks:
            for _ in range(2):
                tasks.start_soon(check)
                await anyio.sleep(0.1)
            refused = await app.call("echo", text="hello")
            metrics = (await app.http.get("/metrics")).text
            assert (await app.send("tools/list")).http.status_code == 200

    assert statuses == [200, 200]
    assert refused.http.status_code == 503
    assert refused.error["code"] == "overloaded"
    assert refused.http.headers["Retry-After"] == "1"
    assert "mcp_tool_calls_in_flight 1.0" in metrics
    assert "mcp_tool_calls_queued 1.0" in metrics


async def test_waiting_in_the_queue_counts_towards_the_timeout() -> None:
    settings = {"MCP_MAX_CONCURRENCY": "1", "MCP_TOOL_TIMEOUT_SECONDS": "0.5"}
    async with application(**settings) as app:
        codes: list[str] = []

        async def check() -> None:
            codes.append((await app.call("pause", seconds=20)).error["code"])

        began = anyio.current_time()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(check)
            tasks.start_soon(check)

    assert codes == ["timeout", "timeout"]
    assert anyio.current_time() - began < 0.9


async def test_a_wait_holds_no_slot_of_others() -> None:
    async with application(MCP_MAX_CONCURRENCY="1", MCP_MAX_QUEUE="0") as app:
        waited: list[bool] = []

        async def wait() -> None:
            waited.append((await app.call("pause", seconds=0.3, waits=True)).output["waited"])

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await anyio.sleep(0.1)
            answer = await app.call("echo", text="hello")
            tasks.start_soon(wait)

    assert answer.output["said"] == "hello"
    assert waited == [False, True], "one caller has but as many waits as there are slots"


async def test_a_browser_of_an_allowed_origin_may_call() -> None:
    origin = "https://app.example.com"
    async with application(MCP_ALLOWED_ORIGINS=origin) as app:
        preflight = await app.http.options(
            "/mcp", headers={"Origin": origin, "Access-Control-Request-Method": "POST"}
        )
        answer = await app.http.post("/mcp", **call(Origin=origin))
        refused = await app.http.options("/mcp", headers={"Origin": "https://evil.example.com"})

    assert preflight.status_code == 204
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert refused.status_code == 403
    assert "Access-Control-Allow-Origin" not in refused.headers


@pytest.mark.parametrize("sent", ["id-1", "x" * 129, "bad id"])
async def test_every_answer_carries_a_correlation_id(sent: str) -> None:
    async with application() as app:
        response = await app.http.post("/mcp", **call(X_Request_ID=sent))

    assert (response.headers["X-Request-ID"] == sent) == (sent == "id-1")


async def test_old_clients_are_answered_without_a_session() -> None:
    async with application() as app:
        client = {"name": "old", "version": "1"}
        greeting: dict[str, Any] = {
            "protocolVersion": LEGACY,
            "capabilities": {},
            "clientInfo": client,
        }
        initialized = await app.send("initialize", era=LEGACY, **greeting)
        called = await app.send("tools/call", era=LEGACY, name="echo", arguments={"text": "hello"})
        discovered = await app.send("server/discover", era=MODERN)

    assert initialized.message["result"]["protocolVersion"] == LEGACY
    assert "Mcp-Session-Id" not in initialized.http.headers
    assert called.output["said"] == "hello"
    assert MODERN in json.dumps(discovered.message["result"])


async def test_the_endpoints_for_operators() -> None:
    async with application() as app:
        await app.call("no_such_tool")
        await app.call("echo", text="")
        live, ready, health, metrics = [
            await app.http.get(path, headers={"Host": "10.0.0.1:8000"})
            for path in ("/live", "/ready", "/health", "/metrics")
        ]
        guarded = await app.http.get("/other", headers={"Host": "10.0.0.1:8000"})

    assert (live.status_code, live.json()) == (200, {"status": "alive"})
    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})
    assert health.json()["checks"] == {
        "server": "healthy",
        "state": "healthy",
        "neighbour": "disabled",
    }
    assert metrics.headers["Content-Type"].startswith("text/plain")
    assert 'mcp_tool_calls_total{outcome="client_error",tool="unknown"} 1.0' in metrics.text
    assert 'mcp_tool_calls_total{outcome="client_error",tool="echo"} 1.0' in metrics.text
    version = health.json()["version"]
    assert f'mcp_build_info{{protocol="2026-07-28",version="{version}"}} 1.0' in metrics.text
    assert guarded.status_code == 403


async def test_a_server_that_stops_refuses_new_calls() -> None:
    async with application() as app:
        await app.parts.lifecycle.stop()
        answer = await app.call("echo", text="hello")
        ready = await app.http.get("/ready")

    assert answer.http.status_code == 503
    assert answer.error["code"] == "shutting_down"
    assert answer.http.headers["Retry-After"] == "1"
    assert (ready.status_code, ready.json()) == (503, {"status": "stopping"})
