"""The real process on HTTP: the official client, the endpoints, the way it ends."""

import re
import socket
import sys
import threading
from pathlib import Path

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.e2e.conversation import converse
from tests.support import ERAS, Issuer, answer, http_server, request

SCOPES = ("text:read", "operations:read", "operations:write", "config:read")


@pytest.mark.parametrize("era", ERAS)
async def test_the_official_client(era: str, issuer: Issuer, tmp_path: Path) -> None:
    settings = issuer.settings() | {"MCP_ENABLE_WRITES": "true"}
    authorization = {"Authorization": f"Bearer {issuer.token(*SCOPES)}"}
    with http_server(tmp_path / "server.log", **settings) as server:
        async with httpx2.AsyncClient(headers=authorization, timeout=30) as http:
            transport = streamable_http_client(f"{server.url}/mcp", http_client=http)
            async with Client(transport, mode=ERAS[era]) as client:
                await converse(client, era)
        calls = [each for each in server.events() if each["event"] == "audit.tool_called"]
        assert httpx2.get(f"{server.url}/ready").json() == {"status": "ready"}
        assert httpx2.get(f"{server.url}/health").json()["status"] == "healthy"
        metrics = httpx2.get(f"{server.url}/metrics").text

    assert calls
    assert {each["subject"] for each in calls} == {"alice"}
    assert 'mcp_tool_calls_total{outcome="success",tool="process_text"} 1.0' in metrics
    assert re.search(r"^mcp_open_connections [1-9]", metrics, re.MULTILINE)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
def test_a_signal_lets_calls_finish(tmp_path: Path) -> None:
    settings = {"MCP_ENABLE_WRITES": "true", "MCP_SHUTDOWN_DELAY_SECONDS": "1"}
    with http_server(tmp_path / "server.log", **settings) as server:
        steps = {"steps": 2, "step_milliseconds": 1000}
        headers, body = request("tools/call", name="start_operation", arguments=steps)
        started = answer(httpx2.post(f"{server.url}/mcp", headers=headers, content=body).text)
        operation_id = started["result"]["structuredContent"]["operation_id"]
        wait = {"operation_id": operation_id, "wait_seconds": 20}
        headers, body = request("tools/call", name="check_operation_status", arguments=wait)
        answers: list[httpx2.Response] = []

        def call() -> None:
            answers.append(httpx2.post(f"{server.url}/mcp", headers=headers, content=body))

        waiting = threading.Thread(target=call)
        waiting.start()
        server.process.terminate()
        while httpx2.get(f"{server.url}/ready").json() != {"status": "stopping"}:
            assert server.process.poll() is None
        assert httpx2.get(f"{server.url}/live").status_code == 200
        waiting.join()
        assert server.process.wait(timeout=10) == 0
        events = [each["event"] for each in server.events()]

    (response,) = answers
    assert answer(response.text)["result"]["structuredContent"]["status"] == "running"
    assert events.index("server.stopping") < events.index("server.stopped")


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with (
            pytest.raises(AssertionError, match=r"server\.failed"),
            http_server(tmp_path / "server.log", MCP_SERVER_PORT=port),
        ):
            pass
