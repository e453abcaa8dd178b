"""The scenarios that apply to any server, on both versions of the protocol."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from kit.process import HttpServer

SCENARIOS = {
    "2025-11-25": (
        "server-initialize",
        "ping",
        "tools-list",
        "resources-list",
        "prompts-list",
        "dns-rebinding-protection",
    ),
    "2026-07-28": (
        "tools-list",
        "resources-list",
        "prompts-list",
        "dns-rebinding-protection",
        "sep-2164-resource-not-found",
        "caching",
        "http-header-validation",
        "server-stateless",
        "input-required-result-unsupported-methods",
    ),
}

NEED_FIXTURE_TOOLS = {
    "server-stateless": {
        "sep-2575-server-rejects-undeclared-capability",
        "sep-2575-missing-capability-http-400",
        "sep-2575-http-server-no-independent-requests-on-stream",
        "sep-2575-server-no-log-without-loglevel",
    }
}
"""Checks that call tools which only the suite's own example server has: they prove nothing here."""


@pytest.mark.parametrize(
    ("version", "scenario"), [(version, name) for version, names in SCENARIOS.items() for name in names]
)
def test_scenario(suite: list[str], server: HttpServer, tmp_path: Path, version: str, scenario: str) -> None:
    options = ["--url", f"http://localhost:{server.port}/mcp", "--scenario", scenario, "--spec-version", version]
    done = subprocess.run(
        [*suite, *options, "--output-dir", str(tmp_path)], capture_output=True, text=True, timeout=120, check=False
    )
    results = list(tmp_path.rglob("checks.json"))
    assert len(results) == 1, done.stdout + done.stderr
    allowed = NEED_FIXTURE_TOOLS.get(scenario, set())
    checks = [check for check in json.loads(results[0].read_text("utf-8")) if check["id"] not in allowed]
    passed = [check["id"] for check in checks if check["status"] == "SUCCESS"]
    failed = [check for check in checks if check["status"] in ("FAILURE", "WARNING")]
    assert not failed, json.dumps(failed, indent=2)
    assert passed, f"no check was run: {done.stdout}"
