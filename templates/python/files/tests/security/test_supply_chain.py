"""What is installed is what was locked."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.fixtures.project import ROOT

LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)", re.MULTILINE)
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def locked(path: Path) -> set[tuple[str, str]]:
    return set(REQUIREMENT.findall(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_a_lock_holds_exact_versions_with_hashes_and_no_address(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert "://" not in text
    for entry in re.split(r"\n(?=\S)", text.strip()):
        assert REQUIREMENT.match(entry), entry
        assert "--hash=sha256:" in entry, entry


@pytest.mark.parametrize(
    ("pins", "lock"),
    [
        (PYPROJECT["project"]["dependencies"], "runtime.txt"),
        (PYPROJECT["project"]["dependencies"], "dev.txt"),
        (PYPROJECT["dependency-groups"]["dev"], "dev.txt"),
        (PYPROJECT["dependency-groups"]["build"], "build.txt"),
        (PYPROJECT["dependency-groups"]["uv"], "uv.txt"),
    ],
)
def test_the_locks_follow_the_pins(pins: list[str], lock: str) -> None:
    pinned = {found.groups() for pin in pins if (found := REQUIREMENT.fullmatch(pin))}

    assert len(pinned) == len(pins), "every dependency is pinned exactly"
    assert pinned <= locked(ROOT / "requirements" / lock), "run `make lock`"


def test_tests_run_on_what_is_shipped() -> None:
    assert locked(ROOT / "requirements" / "runtime.txt") <= locked(
        ROOT / "requirements" / "dev.txt"
    )
