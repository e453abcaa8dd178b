"""``make serve`` and ``make -s serve-stdio`` answer the official client in both eras."""

from __future__ import annotations

import json
import signal
import subprocess
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from clients import Era, list_tools_http, list_tools_stdio
from conftest import Repository, environment

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.answers("default")
ERAS = pytest.mark.parametrize("era", ["auto", "legacy"])


@contextmanager
def serving(repository: Repository) -> Iterator[str]:
    """``make serve`` on a free port; its address. Stopped by SIGTERM, which must end it cleanly."""
    process = subprocess.Popen(
        ["make", "-s", "serve"],
        cwd=repository.path,
        env=environment({"MCP_SERVER_PORT": "0"}),
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    try:
        port = next(line["port"] for line in map(_json, process.stderr) if line.get("event") == "server.started")
        yield f"http://127.0.0.1:{port}"
    finally:
        subprocess.run(["pkill", "-TERM", "-s", str(process.pid)], check=False)
        try:
            rest = process.communicate(timeout=60)[1]
        finally:
            subprocess.run(["pkill", "-KILL", "-s", str(process.pid)], check=False)
    assert "server.stopped" in rest
    assert process.returncode in (0, 2, -signal.SIGTERM)


def _json(line: str) -> dict[str, object]:
    try:
        parsed: dict[str, object] = json.loads(line)
    except json.JSONDecodeError:
        return {}
    return parsed


def test_serve_answers_over_http(repository: Repository) -> None:
    with serving(repository) as url:
        for era in ("auto", "legacy"):
            assert "process_text" in list_tools_http(f"{url}/mcp", era)  # type: ignore[arg-type]
        for path in ("/live", "/health", "/ready", "/metrics"):
            with urllib.request.urlopen(url + path, timeout=10) as answer:
                assert answer.status == 200


@ERAS
def test_serve_stdio_answers(repository: Repository, era: Era) -> None:
    names = list_tools_stdio(["make", "-s", "serve-stdio"], cwd=str(repository.path), era=era)
    assert "process_text" in names


def test_the_command_of_client_configurations_answers_from_anywhere(repository: Repository) -> None:
    assert "process_text" in list_tools_stdio(repository.command, cwd="/")
