"""The acceptance kit, the conformance suite and the comparison of languages, on what was generated."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, Repository, environment, tail

pytestmark = pytest.mark.answers("default")


def kit(repository: Repository, suite: str, *options: str) -> None:
    if (built := repository.spec.get("before_serving")) is not None:
        repository.make_ok(built)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", suite, "--command", shlex.join(repository.command), "--project", str(repository.path), *options],
        cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=1200, check=False,
    )
    print(tail(done.stdout, 15))
    assert done.returncode == 0, tail(done.stdout + done.stderr, 150)


def test_acceptance(repository: Repository) -> None:
    kit(repository, "tests/acceptance")


def test_conformance(repository: Repository) -> None:
    kit(repository, "tests/conformance")
