"""Every contract is one that all clients and model providers accept."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fixtures.project import ROOT

BUDGET_BYTES = 8_000
"""What the list of all tools may cost; a model reads it, and pays for it, with every request."""

KINDS = ("tools", "resources", "prompts")
CONTRACTS = {
    f"{kind}/{path.stem}": json.loads(path.read_text(encoding="utf-8"))
    for kind in KINDS
    for path in sorted((ROOT / "contracts" / kind).glob("*.json"))
}
TOOLS = {key: contract for key, contract in CONTRACTS.items() if key.startswith("tools/")}
SCHEMAS = {
    f"{key}.{side}": contract[side]
    for key, contract in TOOLS.items()
    for side in ("inputSchema", "outputSchema")
}
HINTS = {"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"}


def nodes(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every schema in a schema, with where it stands."""
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}")
    if "items" in schema:
        yield from nodes(schema["items"], f"{path}[]")


@pytest.mark.parametrize("key", CONTRACTS)
def test_a_contract_says_what_it_is(key: str) -> None:
    contract = CONTRACTS[key]

    assert contract["name"] == key.partition("/")[2]
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", contract["name"])
    assert re.fullmatch(r"\d+\.\d+\.\d+", contract["version"])
    assert contract["title"]
    assert contract["description"].endswith(".")


@pytest.mark.parametrize("key", TOOLS)
def test_a_tool_says_who_may_call_it_and_what_may_happen(key: str) -> None:
    tool = TOOLS[key]

    assert re.fullmatch(r"[a-z]+:[a-z]+", tool["scope"])
    assert tool["sideEffects"]
    assert tool["annotations"].keys() == HINTS
    assert not (tool["annotations"]["readOnlyHint"] and tool["annotations"]["destructiveHint"])
    codes = [error["code"] for error in tool["errors"]]
    assert codes == sorted(set(codes))
    assert {"internal", "invalid_argument", "timeout"} <= set(codes)
    assert all(error["description"] for error in tool["errors"])


@pytest.mark.parametrize("key", SCHEMAS)
def test_a_schema_is_one_that_every_client_accepts(key: str) -> None:
    assert SCHEMAS[key]["type"] == "object"
    for path, node in nodes(SCHEMAS[key]):
        assert isinstance(node.get("type"), str), f"{path}: one type, and not null"
        refused = {"$ref", "$defs", "allOf", "anyOf", "oneOf", "not"} & node.keys()
        assert not refused, f"{path}: {refused}"
        assert path in {"", "[]"} or node.get("description"), f"{path}: no description"


@pytest.mark.parametrize("key", SCHEMAS)
def test_inputs_are_closed_and_outputs_open(key: str) -> None:
    closed = False if key.endswith("inputSchema") else None

    for path, node in nodes(SCHEMAS[key]):
        if node["type"] == "object":
            assert node.get("additionalProperties") is closed, path


def test_the_tool_list_stays_within_its_budget() -> None:
    listed = ("name", "title", "description", "inputSchema", "outputSchema", "annotations")
    tools = [{key: tool[key] for key in listed} for tool in TOOLS.values()]

    assert len(json.dumps(tools, separators=(",", ":"))) <= BUDGET_BYTES
