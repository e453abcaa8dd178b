"""What a user does first: delete the samples, add a tool, and put something where it does not belong.

What a language must tell of itself is in its ``e2e.toml``: ``items`` (the files of an item by KIND and NAME, its
registry, what empties one, how one test file runs) and ``plant.architecture``.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from conftest import Repository, planted, tail

pytestmark = pytest.mark.answers("default")
MODEL, NEW = ("process", "text"), ("reverse", "text")


def spellings(words: tuple[str, ...]) -> list[str]:
    """A name in every case that a language writes names in."""
    camel = words[0] + "".join(word.capitalize() for word in words[1:])
    return ["_".join(words), "-".join(words), camel, camel[0].upper() + camel[1:], " ".join(words).capitalize()]


def renamed(text: str) -> str:
    for old, new in zip(spellings(MODEL), spellings(NEW), strict=True):
        text = text.replace(old, new)
    return text


def places(items: dict[str, Any], kind: str, name: str) -> list[str]:
    return [path.replace("KIND", kind).replace("NAME", name) for path in items["files"]]


@pytest.mark.answers("hostile")
def test_without_any_sample_everything_is_green(edited: Repository) -> None:
    items = edited.spec["items"]
    for kind, names in items["samples"].items():
        for name in names:
            for path in places(items, kind, name):
                (edited.path / path).unlink()
        registry = edited.path / items["registry"].replace("KIND", kind)
        text = registry.read_text()
        for pattern, replacement in items["empty"]:
            text, times = re.subn(pattern, replacement, text)
            assert times, f"{registry} has nothing like {pattern}"
        registry.write_text(text)
    edited.make_ok("contracts", "docs", "format")
    edited.make_ok("contracts", "docs", "lint")
    edited.make_ok("test")
    left = [path for path in (edited.path / "contracts").rglob("*.json") if "baseline" not in path.parts]
    assert left == []


def copy_a_tool(repository: Repository) -> tuple[list[str], str, int]:
    """Copy a tool under another name, and list it: the copies, the list, and the number of lines it has more."""
    items = repository.spec["items"]
    model = items["samples"]["tools"][0]
    assert model in spellings(MODEL)
    copies = places(items, "tools", renamed(model))
    for old, new in zip(places(items, "tools", model), copies, strict=True):
        (repository.path / new).write_text(renamed((repository.path / old).read_text()))
    registry = items["registry"].replace("KIND", "tools")
    lines = (repository.path / registry).read_text().splitlines(keepends=True)
    own = [line for line in lines if renamed(line) != line]
    assert 1 <= len(own) <= 2, "its name, and its import where the language has one"
    (repository.path / registry).write_text("".join(line + renamed(line) if line in own else line for line in lines))
    return copies, registry, len(own)


def test_a_tool_is_a_copied_file_and_its_line_in_the_list(edited: Repository) -> None:
    items = edited.spec["items"]
    copies, registry, more = copy_a_tool(edited)
    edited.make_ok("contracts", "docs")
    done = edited.run(*items["test"], copies[-1])
    assert done.code == 0, tail(done.output)

    changed = {line[3:]: line[:2].strip() for line in edited.run(*STATUS).stdout.splitlines()}
    contract = "contracts/tools/reverse_text.json"
    assert {path: how for path, how in changed.items() if not path.startswith("docs/")} == {
        **dict.fromkeys([*copies, contract], "??"),
        registry: "M",
    }
    plus, minus = edited.run("git", "diff", "--numstat", "--", registry).stdout.split()[:2]
    assert (plus, minus) == (str(more), "0")


STATUS = ("git", "status", "--porcelain", "--untracked-files=all")


def test_what_points_the_wrong_way_is_found(repository: Repository) -> None:
    spec = repository.spec["plant"]["architecture"]
    with planted(repository.path / spec["path"], spec["text"]):
        red = repository.run(*spec["command"])
    assert red.code != 0
    assert spec["says"] in red.output, tail(red.output)
