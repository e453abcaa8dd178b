"""The real process on stdio, driven by the official client and by hand."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.e2e.conversation import converse
from tests.fixtures.process import FIXTURES, environment
from tests.fixtures.project import ROOT
from tests.fixtures.wire import ERAS, LEGACY, MODERN, request

COMMAND = [sys.executable, "-m", FIXTURES]


@pytest.mark.parametrize("era", ERAS)
async def test_the_official_client(era: str, tmp_path: Path) -> None:
    parameters = StdioServerParameters(
        command=COMMAND[0],
        args=COMMAND[1:],
        env=environment({"MCP_ENABLE_WRITES": "true", "MCP_SERVER_PROT": "misspelt"}),
        cwd=ROOT,
    )
    log = tmp_path / "server.log"
    with log.open("w", encoding="utf-8") as stderr:
        async with Client(stdio_client(parameters, stderr), mode=ERAS[era]) as client:
            await converse(client, era)

    events = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert {"server.started", "tool.completed", "tool.failed"} <= {each["event"] for each in events}
    (warning,) = (each for each in events if each["event"] == "settings.unknown_variable")
    assert (warning["variable"], warning["suggestion"]) == ("MCP_SERVER_PROT", "MCP_SERVER_PORT")


def served(*lines: bytes, **settings: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return what is answered to these lines and what is logged; the process must end well."""
    began = time.monotonic()
    ended = subprocess.run(
        COMMAND,
        input=b"\n".join(lines),
        capture_output=True,
        env=environment(settings),
        cwd=ROOT,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert time.monotonic() - began < 30
    answers, events = (
        [json.loads(line) for line in output.splitlines()]
        for output in (ended.stdout, ended.stderr)
    )
    assert events[-1]["event"] == "server.stopped"
    (stopping,) = (each for each in events if each["event"] == "server.stopping")
    assert stopping["correlation_id"] is None
    return answers, events


def call(request_id: Any = 1, **changed: Any) -> bytes:
    """Return a good call as a line, with other members."""
    message = json.loads(request("tools/call", name="echo", arguments={"text": "last words"})[1])
    return json.dumps(message | {"id": request_id} | changed).encode()


def test_what_was_read_is_answered_after_stdin_closes() -> None:
    answers, _ = served(b"\xef\xbb\xbf" + call(1) + b"\r", b"", call(2))

    assert {each["id"]: each["result"]["structuredContent"] for each in answers} == {
        1: {"said": "last words"},
        2: {"said": "last words"},
    }


HOSTILE = {
    "not JSON": (b"not JSON", None),
    "half a message": (b'{"jsonrpc": "2.0", "id": ', None),
    "not UTF-8": (b"\xff\xfe", None),
    "a list": (b"[]", (None, -32600)),
    "a method that is no string": (call(5, method=5), (5, -32600)),
    "no version": (call(5, jsonrpc=None), (5, -32600)),
    "parameters that are a list": (call(5, params=[]), (5, -32602)),
    "parameters that are text": (call(5, params="x"), (5, -32602)),
    "an id that is no id": (call({}), (None, -32600)),
    "an id that is too large": (call(2**53 + 1), (None, -32600)),
    "an unknown method": (call(5, method="no/such"), (5, -32601)),
    "a cancelled nothing": (
        b'{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": {}}}',
        None,
    ),
    "a cancelled list": (
        b'{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": [1]}}',
        None,
    ),
    "a notification without sense": (b'{"jsonrpc": "2.0", "method": "x", "params": 5}', None),
    "a line that is too long": (b"x" * 3000, (None, -32600)),
    "too deep": (b"[" * 100_000, (None, -32600)),
}


def test_no_line_ends_the_server_and_a_readable_id_is_answered() -> None:
    lines = [line for line, _ in HOSTILE.values()]
    expected = [told for _, told in HOSTILE.values() if told and told != (None, -32600)]
    answers, events = served(*lines, call("end"), MCP_MAX_BODY_BYTES="2000")

    errors = [(each["id"], each["error"]["code"]) for each in answers if "error" in each]
    assert sorted(told for told in errors if told[0] is not None) == sorted(expected)
    assert errors.count((None, -32600)) == 5
    assert answers[-1]["result"]["structuredContent"] == {"said": "last words"}
    assert len([each for each in events if each["event"] == "stdio.malformed_line"]) == 15


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM; clients close stdin")
@pytest.mark.parametrize("era", ERAS)
def test_a_signal_lets_calls_finish(era: str) -> None:
    pipe = subprocess.PIPE
    _, sent = request("tools/call", era, name="pause", arguments={"seconds": 1})
    greeting = {
        "protocolVersion": LEGACY,
        "capabilities": {},
        "clientInfo": {"name": "tests", "version": "0"},
    }
    hello = json.loads(request("initialize", LEGACY, **greeting)[1]) | {"id": 0}
    lines = [] if era == MODERN else [json.dumps(hello).encode()]
    with subprocess.Popen(
        COMMAND, env=environment({}), cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        assert json.loads(process.stderr.readline())["event"] == "server.started"
        process.stdin.write(b"".join(line + b"\n" for line in [*lines, sent]))
        process.stdin.flush()
        for _ in lines:
            process.stdout.readline()
        time.sleep(0.3)
        process.terminate()
        answered = json.loads(process.stdout.readline())
        assert process.wait(timeout=10) == 0
        events = [json.loads(line)["event"] for line in process.stderr]

    assert answered["result"]["structuredContent"] == {"waited": False}
    assert events[0] == "server.stopping"
    assert events[-1] == "server.stopped"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM; clients close stdin")
def test_a_second_signal_ends_at_once() -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen(
        COMMAND, env=environment({}), cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe
    ) as process:
        assert process.stdin
        assert process.stderr
        process.stderr.readline()
        process.stdin.write(
            request("tools/call", name="pause", arguments={"seconds": 30})[1] + b"\n"
        )
        process.stdin.flush()
        time.sleep(0.3)
        process.terminate()
        process.send_signal(signal.SIGINT)  # the same wish, as make passes it on
        time.sleep(1)
        assert process.poll() is None
        process.terminate()
        process.wait(timeout=2)
