"""No project may have the name of something that its own environment imports or installs."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from conftest import Repository, environment

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.answers("default")


def test_installed_names_are_refused(repository: Repository, cargo_mcp: str, tmp_path: Path) -> None:
    listed = repository.run(*repository.spec["names"]["installed"])
    assert listed.code == 0, listed.output
    names = {name.lower().replace("_", "-") for name in listed.stdout.split()} - {repository.name}
    names = {name for name in names if re.fullmatch(r"[a-z][a-z0-9-]*[a-z0-9]", name)}
    assert len(names) > 3, listed.stdout
    made = [
        name
        for name in sorted(names)
        if subprocess.run(
            [cargo_mcp, "new", str(tmp_path / name), "--lang", repository.language, "-y", "--vcs", "none"],
            env=environment(),
            capture_output=True,
            check=False,
        ).returncode
        == 0
    ]
    assert made == []
