"""Where the time goes: minutes by stage, written for `tests/run` to make one table of all languages."""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

spent: dict[str, float] = defaultdict(float)
_set_up = 0.0


@contextmanager
def setting_up() -> Iterator[None]:
    """Count what happens inside as a stage of its own, not as the test's that asked for it."""
    global _set_up  # noqa: PLW0603 - one process, one clock
    begun = time.monotonic()
    yield
    took = time.monotonic() - begun
    spent["install"] += took
    _set_up += took


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    global _set_up  # noqa: PLW0603
    file, _, test = report.nodeid.partition("::")
    stage = Path(file).stem.removeprefix("test_")
    if stage == "kit":
        stage = test.partition("tests/")[2].rstrip("]") or "surface"
    spent[stage] += report.duration - _set_up
    _set_up = 0.0


def pytest_sessionfinish(session: pytest.Session) -> None:
    if path := session.config.getoption("--stages"):
        Path(path).write_text(json.dumps(spent), encoding="utf-8")


def table(files: list[Path]) -> str:
    """Minutes by stage and language, from ``e2e-LANGUAGE.SHARE.json``; what did not run to its end is not there."""
    columns: dict[str, dict[str, float]] = {}
    for path in filter(Path.exists, files):
        language = path.name.removeprefix("e2e-").partition(".")[0]
        column = columns.setdefault(language, {})
        for stage, seconds in json.loads(path.read_text("utf-8")).items():
            column[stage] = column.get(stage, 0) + seconds
    stages = list(dict.fromkeys(stage for column in columns.values() for stage in column))
    rows = [[stage, *(f"{column.get(stage, 0) / 60:.1f}" for column in columns.values())] for stage in stages]
    rows.append(["all", *(f"{sum(column.values()) / 60:.1f}" for column in columns.values())])
    rows.insert(0, ["minutes", *columns])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


if __name__ == "__main__":
    print(table([Path(name) for name in sys.argv[1:]]))
