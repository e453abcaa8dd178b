"""The kit sees what is broken: each fault of mutants.toml turns its test red, and without it the test is green."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from broken import table
from runner import KIT, Outcome, Runner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kit.process import Launcher

TESTS = {name: row["test"] for name, row in table().items() if row}


@pytest.fixture(scope="session")
def outcomes(launcher: Launcher, project: Path) -> Iterator[Callable[[str], Outcome]]:
    """Run every fault's test and give the outcomes by the fault's name."""
    with Runner(launcher, project) as runner:
        started = {"none": runner.start("none", *sorted(set(TESTS.values())))}
        started |= {name: runner.start(name, test) for name, test in TESTS.items()}
        yield lambda name: started[name].get()


@pytest.mark.parametrize("name", TESTS)
def test_the_fault_is_seen(outcomes: Callable[[str], Outcome], name: str) -> None:
    outcome = outcomes(name)
    summary = outcome.output.strip().splitlines()[-1]
    assert outcome.code == 1, outcome.output
    assert "1 failed" in summary, outcome.output
    assert "error" not in summary, outcome.output


def test_without_a_fault_all_these_tests_pass(outcomes: Callable[[str], Outcome]) -> None:
    outcome = outcomes("none")
    assert outcome.code == 0, outcome.output


def test_every_file_of_the_kit_has_a_fault() -> None:
    assert {test.partition("::")[0] for test in TESTS.values()} == {file.name for file in KIT.glob("test_*.py")}
