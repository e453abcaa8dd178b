"""The real process on stdio, driven by the official client and by hand."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.e2e.conversation import converse
from tests.support import ERAS, PACKAGE, environment, request

COMMAND = [sys.executable, "-m", f"{PACKAGE}.main"]


@pytest.mark.parametrize("era", ERAS)
async def test_the_official_client(era: str, tmp_path: Path) -> None:
    parameters = StdioServerParameters(
        command=COMMAND[0],
        args=COMMAND[1:],
        env=environment({"MCP_ENABLE_WRITES": "true", "MCP_SERVER_PROT": "misspelt"}),
        cwd=tmp_path,  # as client programs do, not from the project's folder
    )
    log = tmp_path / "server.log"
    with log.open("w", encoding="utf-8") as stderr:
        async with Client(stdio_client(parameters, stderr), mode=ERAS[era]) as client:
            await converse(client, era)

    events = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert {"server.started", "tool.completed", "tool.failed"} <= {each["event"] for each in events}
    (warning,) = (each for each in events if each["event"] == "settings.unknown_variable")
    assert (warning["variable"], warning["suggestion"]) == ("MCP_SERVER_PROT", "MCP_SERVER_PORT")


def test_what_was_read_is_answered_after_stdin_closes() -> None:
    _, call = request("tools/call", name="process_text", arguments={"text": "last words"})
    malformed = b'{"jsonrpc": "2.0", "id": '

    ended = subprocess.run(
        COMMAND,
        input=b"\n".join([malformed, b"not JSON at all", call, b""]),
        capture_output=True,
        env=environment({}),
        timeout=30,
        check=False,
    )

    answers = [json.loads(line) for line in ended.stdout.splitlines()]
    (answer,) = (each for each in answers if each.get("id") == 1)
    assert answer["result"]["structuredContent"]["result"] == "last words"
    assert ended.returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM; clients close stdin")
def test_a_signal_ends_it_well() -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen(
        COMMAND, env=environment({}), stdin=pipe, stdout=pipe, stderr=pipe
    ) as process:
        assert process.stderr
        assert json.loads(process.stderr.readline())["event"] == "server.started"
        asked = time.monotonic()
        process.terminate()
        assert process.wait(timeout=10) == 0
        assert time.monotonic() - asked < 5
        events = [json.loads(line)["event"] for line in process.stderr]

    assert events == ["server.stopping", "server.stopped"]
