"""The acceptance kit sees what is broken. Faults are put in from outside, so that one language stands for all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from test_kit import python

if TYPE_CHECKING:
    from conftest import Repository


@pytest.mark.answers("default")
def test_each_fault_turns_its_test_red(repository: Repository) -> None:
    python(repository, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/acceptance/mutants")
