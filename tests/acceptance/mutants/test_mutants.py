"""The kit sees what is broken: each fault of mutants.toml turns its test red, and without it the test is green."""

from __future__ import annotations

import shlex
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from broken import table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kit.process import Launcher

KIT = Path(__file__).parents[1]
MUTANTS = {name: row["test"] for name, row in table().items() if row}
Outcome = subprocess.CompletedProcess[str]


@pytest.fixture(scope="session")
def outcomes(launcher: Launcher, project: Path) -> Iterator[Callable[[str], Outcome]]:
    """Run every fault's test, two at a time, and give the outcomes by the fault's name."""

    def run(name: str, *tests: str) -> Outcome:
        command = [sys.executable, "-E", str(Path(__file__).with_name("broken.py")), name, "--", *launcher.command]
        options = ["-x", "-q", "--tb=line", "-p", "no:cacheprovider", "--command", shlex.join(command)]
        options += ["--cwd", str(launcher.cwd), "--project", str(project.resolve())]
        return subprocess.run(
            [sys.executable, "-m", "pytest", *options, *tests],
            cwd=KIT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    with ThreadPoolExecutor(2) as pool:
        futures: dict[str, Future[Outcome]] = {"none": pool.submit(run, "none", *sorted(set(MUTANTS.values())))}
        futures |= {name: pool.submit(run, name, test) for name, test in MUTANTS.items()}
        yield lambda name: futures[name].result()
        pool.shutdown(cancel_futures=True)


@pytest.mark.timeout(150)
@pytest.mark.parametrize("name", MUTANTS)
def test_the_fault_is_seen(outcomes: Callable[[str], Outcome], name: str) -> None:
    outcome = outcomes(name)
    summary = outcome.stdout.strip().splitlines()[-1]
    assert outcome.returncode == 1, outcome.stdout + outcome.stderr
    assert "1 failed" in summary, outcome.stdout
    assert "error" not in summary, outcome.stdout


@pytest.mark.timeout(150)
def test_without_a_fault_all_these_tests_pass(outcomes: Callable[[str], Outcome]) -> None:
    outcome = outcomes("none")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_every_file_of_the_kit_has_a_fault() -> None:
    assert {test.partition("::")[0] for test in MUTANTS.values()} == {file.name for file in KIT.glob("test_*.py")}
