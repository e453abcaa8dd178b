"""The acceptance kit, the conformance suite and the comparison of languages, on what was generated."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from conftest import ROOT, Repository, environment, tail

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.answers("default")
SURFACE = ROOT / "snapshots" / "surface.json"


def python(repository: Repository, *arguments: str) -> str:
    """Run a program of the tests against the repository's server; what it prints."""
    done = subprocess.run(
        [sys.executable, *arguments, f"--command={shlex.join(repository.command)}", f"--project={repository.path}"],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=1500,
        check=False,
    )
    print(tail(done.stdout, 5))
    assert done.returncode == 0, tail(done.stdout + done.stderr, 150)
    return done.stdout


@pytest.mark.parametrize("suite", ["tests/acceptance", "tests/conformance"])
def test_suite(repository: Repository, suite: str) -> None:
    python(repository, "-m", "pytest", "-q", "-p", "no:cacheprovider", suite)


def test_its_surface_is_every_language_s(repository: Repository, tmp_path: Path) -> None:
    """One recorded surface holds all languages; ``ACCEPT=1`` records it anew from this one."""
    recorded = tmp_path / "surface.json"
    recorded.write_text(python(repository, "tests/acceptance/surface.py", "record"))
    if os.environ.get("ACCEPT") == "1":
        SURFACE.write_text(recorded.read_text())
    compared = subprocess.run(
        [sys.executable, "tests/acceptance/surface.py", "compare", str(SURFACE), str(recorded)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert compared.returncode == 0, compared.stdout
