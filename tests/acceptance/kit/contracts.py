"""Contract files, and the normal form in which a server's lists equal them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

SAFE_INTEGER = 2**53 - 1
WIRE_KEYS = {
    "tools": {"name", "title", "description", "annotations", "inputSchema", "outputSchema"},
    "resources": {"name", "title", "description", "uri", "uriTemplate", "mimeType"},
    "prompts": {"name", "title", "description", "arguments"},
}


def load(project: Path, kind: str) -> dict[str, dict[str, Any]]:
    """All contracts of a kind, by name."""
    files = sorted((project / "contracts" / kind).glob("*.json"))
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}


def dumps(contract: Any) -> str:
    """The bytes of a contract file."""
    return json.dumps(contract, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def normal_schema(schema: Any) -> Any:
    """Without what schema generators add: titles, `$schema`, numeric formats, integer-safety bounds."""
    if not isinstance(schema, dict):
        return schema
    numeric = schema.get("type") in ("integer", "number")
    normal: dict[str, Any] = {}
    for key, value in schema.items():
        if key in ("title", "$schema") or (key == "format" and numeric):
            continue
        if key in ("minimum", "maximum") and abs(value) >= SAFE_INTEGER:
            continue
        if key == "properties":
            normal[key] = {name: normal_schema(node) for name, node in value.items()}
        elif key == "required":
            normal[key] = sorted(value)
        else:
            normal[key] = normal_schema(value)
    return normal


def on_the_wire(kind: str, contract: dict[str, Any]) -> dict[str, Any]:
    """The part of a contract, or of a list's entry, that both must have alike."""
    part = {key: value for key, value in contract.items() if key in WIRE_KEYS[kind]}
    return {key: normal_schema(value) if key.endswith("Schema") else value for key, value in part.items()}
