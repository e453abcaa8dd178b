"""No contract changes against the last release without a version that says so."""

import copy
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.contract.compatibility import changes, semver, verdict
from tests.fixtures.project import PROJECT, ROOT

CONTRACTS = ROOT / "contracts"
BASELINE = CONTRACTS / "baseline"
Contract = dict[str, Any]


def load(folder: Path) -> dict[str, Contract]:
    """Return the contracts by kind and name."""
    paths = (
        path for kind in ("tools", "resources", "prompts") for path in folder.glob(f"{kind}/*")
    )
    return {
        f"{path.parent.name}/{path.stem}": json.loads(path.read_text(encoding="utf-8"))
        for path in paths
    }


def test_changes_since_the_last_release_raise_versions() -> None:
    now, released = load(CONTRACTS), load(BASELINE)
    verdicts = (verdict(released[key], now[key]) for key in sorted(released.keys() & now.keys()))
    wrong = "\n".join(said for said in verdicts if said)

    assert not wrong, wrong


def test_only_what_was_deprecated_is_removed() -> None:
    now, project = load(CONTRACTS), semver({"version": PROJECT["version"]})

    for key, contract in load(BASELINE).items():
        if key not in now:
            assert "deprecated" in contract, f"{key} is removed without having been deprecated"
            assert project >= semver({"version": contract["deprecated"]["removedIn"]})


def test_the_command_agrees() -> None:
    """It compares more finely: what it can prove harmless, and what it cannot."""
    command = shutil.which("cargo-mcp")
    if command is None:
        pytest.skip("cargo-mcp is not on the PATH: install it for its finer comparison")
    report = subprocess.run(
        [command, "contract", "check", "--offline", str(ROOT)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert report.returncode == 0, report.stdout + report.stderr


@pytest.fixture
def old() -> Contract:
    return {
        "name": "sample",
        "title": "Sample",
        "description": "A sample.",
        "version": "1.2.3",
        "scope": "sample:read",
        "annotations": {"readOnlyHint": True},
        "errors": [{"code": "internal", "description": "A failure."}],
        "inputSchema": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"text": {"type": "string", "maxLength": 10, "description": "Text."}},
            "required": ["text"],
        },
        "outputSchema": {
            "type": "object",
            "properties": {
                "rows": {"type": "array", "items": {"type": "object", "properties": {}}},
                "count": {"type": "integer"},
            },
            "required": ["count"],
        },
    }


def changed(contract: Contract, place: str, value: object) -> Contract:
    """Return a copy with the value at `place` (dotted) replaced, or removed when it is None."""
    new = copy.deepcopy(contract)
    *parents, last = place.split(".")
    node: Any = new
    for part in parents:
        node = node[int(part) if isinstance(node, list) else part]
    if value is None:
        del node[last]
    else:
        node[last] = value
    return new


ADDITIVE: list[tuple[str, object]] = [
    ("title", "Another"),
    ("description", "Another."),
    ("errors.0.description", "Another."),
    ("deprecated", {"since": "1.3.0", "replacedBy": "other", "removedIn": "2.0.0"}),
    ("inputSchema.properties.text.description", "Another."),
    ("inputSchema.properties.description", {"type": "string"}),
    ("outputSchema.properties.more", {"type": "string"}),
    ("outputSchema.properties.rows.items.properties.more", {"type": "string"}),
]
BREAKING: list[tuple[str, object]] = [
    ("scope", "sample:write"),
    ("annotations.readOnlyHint", False),
    ("errors.0.code", "timeout"),
    ("outputSchema", None),
    ("inputSchema.required", ["text", "more"]),
    ("inputSchema.additionalProperties", None),
    ("inputSchema.properties.text", None),
    ("inputSchema.properties.text.maxLength", 9),
    ("inputSchema.properties.text.type", "integer"),
    ("outputSchema.required", None),
    ("outputSchema.required", ["rows"]),
    ("outputSchema.properties.count", None),
    ("outputSchema.properties.count.type", "number"),
    ("outputSchema.properties.rows.items.type", "string"),
]


@pytest.mark.parametrize(("place", "value"), ADDITIVE)
def test_an_additive_change_needs_a_higher_version(
    old: Contract, place: str, value: object
) -> None:
    new = changed(old, place, value)

    assert [additive for _, additive in changes(old, new)] == [True]
    assert "without a higher version" in verdict(old, new)
    assert verdict(old, changed(new, "version", "1.3.0")) == ""


@pytest.mark.parametrize(("place", "value"), BREAKING)
def test_any_other_change_needs_a_higher_major_version(
    old: Contract, place: str, value: object
) -> None:
    new = changed(old, place, value)

    assert "without a higher major version" in verdict(old, changed(new, "version", "1.3.0"))
    assert verdict(old, changed(new, "version", "2.0.0")) == ""


def test_a_new_required_input_is_breaking(old: Contract) -> None:
    new = changed(old, "inputSchema.properties.more", {"type": "string"})
    new = changed(new, "inputSchema.required", ["more", "text"])

    assert "inputSchema.required" in verdict(old, changed(new, "version", "1.3.0"))


def test_an_output_may_become_one_that_is_always_there(old: Contract) -> None:
    new = changed(old, "outputSchema.properties.more", {"type": "string"})
    new = changed(new, "outputSchema.required", ["count", "more"])

    assert verdict(old, changed(new, "version", "1.3.0")) == ""


def test_nothing_changed_is_nothing_to_say(old: Contract) -> None:
    assert verdict(old, old) == ""
