"""Section 9: the wire equals the contracts, and the contracts keep their rules."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from kit.contracts import WIRE_KEYS, dumps, load, normal_schema, on_the_wire
from kit.stub import Answer
from kit.wire import MODERN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kit.stub import Records
    from kit.wire import Wire

HINTS = {"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"}
BUDGET = 12_000


def listed(wire: Wire, kind: str) -> dict[str, dict[str, Any]]:
    entries = wire.rpc(f"{kind}/list").result[kind]
    if kind == "resources":
        entries = entries + wire.rpc("resources/templates/list").result["resourceTemplates"]
    return {entry["name"]: entry for entry in entries}


def nodes(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield schema
    for child in schema.get("properties", {}).values():
        yield from nodes(child)


@pytest.mark.parametrize("kind", ["tools", "resources", "prompts"])
def test_the_wire_equals_the_contracts(wire: Wire, project: Path, kind: str) -> None:
    wire = listed(wire, kind)
    contracts = load(project, kind)
    assert contracts
    assert set(wire) == set(contracts)
    for name, contract in contracts.items():
        assert on_the_wire(kind, wire[name]) == on_the_wire(kind, contract), name
        assert set(wire[name]) <= WIRE_KEYS[kind], name


def test_the_list_is_in_a_stable_order_and_small(wire: Wire) -> None:
    first, second = (wire.rpc("tools/list").result["tools"] for _ in range(2))
    assert first == second
    assert len(json.dumps(first, separators=(",", ":"))) < BUDGET


def test_modern_results_say_how_long_they_hold(modern: Wire) -> None:
    for method in ("server/discover", "tools/list", "resources/list", "resources/templates/list", "prompts/list"):
        result = modern.rpc(method).result
        assert {"resultType", "ttlMs", "cacheScope"} <= set(result), method
    assert {"resultType", "ttlMs", "cacheScope"} <= set(modern.read("config://server-settings").result)


def test_schemas_suit_every_client(wire: Wire) -> None:
    for tool in listed(wire, "tools").values():
        assert tool["description"]
        assert set(tool["annotations"]) == HINTS
        for key in ("inputSchema", "outputSchema"):
            root = tool[key]
            assert root["type"] == "object", tool["name"]
            for node in nodes(root):
                assert not {"$ref", "$defs", "oneOf", "anyOf", "allOf"} & set(node), (tool["name"], key)
                assert isinstance(node["type"], str), (tool["name"], key)
                if node["type"] == "object" and "properties" in node:
                    assert node.get("additionalProperties") is (False if key == "inputSchema" else None)


def test_outputs_fit_their_schemas(wire: Wire, records: Records) -> None:
    records.script("s09", Answer(body={"a": {"b": [None]}}))
    tools = listed(wire, "tools")
    operation = wire.call("start_operation", {"steps": 1, "step_milliseconds": 0})
    of = {"operation_id": operation.output["operation_id"]}
    slow = wire.call("start_operation", {"steps": 100, "step_milliseconds": 1000}).output["operation_id"]
    outputs = {
        "process_text": wire.call("process_text", {"text": "x"}),
        "lookup_record": wire.call("lookup_record", {"record_id": "s09"}),
        "start_operation": operation,
        "check_operation_status": wire.call("check_operation_status", {**of, "wait_seconds": 1}),
        "cancel_operation": wire.call("cancel_operation", {"operation_id": slow}),
    }
    assert set(outputs) == set(tools)
    for name, reply in outputs.items():
        validator = jsonschema.Draft202012Validator(
            tools[name]["outputSchema"], format_checker=jsonschema.FormatChecker()
        )
        validator.validate(reply.output)


class TestFiles:
    def test_are_in_normal_form_and_complete(self, project: Path) -> None:
        files = sorted((project / "contracts").rglob("*.json"))
        assert files
        for file in files:
            text = file.read_text(encoding="utf-8")
            contract = json.loads(text)
            assert text == dumps(contract), file
            assert contract["name"] == file.stem
            assert re.fullmatch(r"\d+\.\d+\.\d+", contract["version"]), file
            assert contract["title"], file
            assert contract["description"], file

    def test_every_tool_declares_what_it_does(self, project: Path) -> None:
        for name, contract in load(project, "tools").items():
            assert contract["scope"], name
            assert contract["sideEffects"], name
            assert set(contract["annotations"]) == HINTS, name
            codes = [error["code"] for error in contract["errors"]]
            assert codes == sorted(codes), name
            assert {"invalid_argument", "internal", "timeout"} <= set(codes), name
            assert normal_schema(contract["inputSchema"]) == contract["inputSchema"], name

    def test_a_new_project_has_released_nothing(self, project: Path) -> None:
        assert not list((project / "contracts/baseline").rglob("*.json"))


def test_invalid_arguments_by_the_schema_are_invalid_to_the_server(modern: Wire, project: Path) -> None:
    """The schema that clients see and the server's own checks say the same."""
    assert modern.era == MODERN
    samples: list[Any] = [None, True, 0, 1, 1.5, -1, 101, 1001, "", "x", "x" * 65, "x" * 1001, [], {}, {"a": 1}]
    for name, contract in load(project, "tools").items():
        validator = jsonschema.Draft202012Validator(contract["inputSchema"])
        for field in contract["inputSchema"]["properties"]:
            for sample in samples:
                arguments = {field: sample}
                if not validator.is_valid(arguments):
                    error = modern.call(name, arguments).tool_error
                    assert error["code"] == "invalid_argument", (name, arguments)
