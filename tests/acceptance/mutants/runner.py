"""Runs tests of the kit against a broken server, each in a process of its own that has its imports already."""

from __future__ import annotations

import io
import multiprocessing
import os
import shlex
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.pool import AsyncResult

    from kit.process import Launcher

KIT = Path(__file__).parents[1]
IMPORTS = ["pytest", "mcp", "jwt", "redis", "jsonschema", "httpx2"]
PATIENCE = "6"
"""Seconds that a red test may wait for what never comes."""


@dataclass(frozen=True)
class Outcome:
    code: int
    output: str


def run(arguments: Sequence[str]) -> Outcome:
    """Run pytest here and catch what it prints."""
    os.chdir(KIT)
    os.environ["KIT_PATIENCE"] = PATIENCE
    output = io.StringIO()
    with redirect_stdout(output), redirect_stderr(output):
        code = pytest.main(["-x", "-q", "--tb=short", "-n0", "-p", "no:cacheprovider", *arguments])
    return Outcome(int(code), output.getvalue())


class Runner:
    """Runs two faults at a time."""

    def __init__(self, launcher: Launcher, project: Path) -> None:
        self._launcher = launcher
        self._project = project
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(IMPORTS)
        self._pool = context.Pool(2, maxtasksperchild=1)

    def start(self, fault: str, *tests: str) -> AsyncResult[Outcome]:
        """Start those tests against the server with that fault."""
        wrapper = [sys.executable, "-E", str(Path(__file__).with_name("broken.py")), fault, "--"]
        command = shlex.join([*wrapper, *self._launcher.command])
        options = [f"--command={command}", f"--cwd={self._launcher.cwd}", f"--project={self._project.resolve()}"]
        return self._pool.apply_async(run, [[*options, *tests]])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.terminate()
        self._pool.join()
