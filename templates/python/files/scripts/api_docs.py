"""Write docs/api.md from contracts/ (make docs)."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

HINTS = {
    "readOnlyHint": "read-only",
    "destructiveHint": "destructive",
    "idempotentHint": "idempotent",
    "openWorldHint": "open world",
}
FACTS = {"uri": "URI", "uriTemplate": "URI template", "mimeType": "MIME type", "scope": "Scope"}
RANGES = {
    "length": ("minLength", "maxLength"),
    "items": ("minItems", "maxItems"),
    "value": ("minimum", "maximum"),
}

Json = Mapping[str, Any]


def render(folder: Path) -> str:
    """Return docs/api.md for the contracts in `folder`."""
    tools = load(folder / "tools")
    errors = tools[0]["errors"] if tools else []
    common = [error for error in errors if all(error in tool["errors"] for tool in tools)]
    blocks = ["# API", "Written by `make docs` from `contracts/`; do not edit.", "## Tools"]
    if common:
        blocks += ["Errors of every tool:", error_table(common)]
    for contract in tools:
        blocks += tool_blocks(contract, common)
    blocks.append("## Resources")
    for contract in load(folder / "resources"):
        blocks += head(contract)
    blocks.append("## Prompts")
    for contract in load(folder / "prompts"):
        blocks += [*head(contract), "Arguments:", argument_table(contract.get("arguments", []))]
    return "\n\n".join(blocks) + "\n"


def load(folder: Path) -> list[Json]:
    """Return the contracts in `folder`, sorted by file name."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]


def head(contract: Json) -> list[str]:
    """Return what every contract starts with: heading, texts, facts."""
    lines = [f"- {label}: {code(contract[key])}" for key, label in FACTS.items() if key in contract]
    if "annotations" in contract:
        hints = contract["annotations"]
        words = (word if hints[key] else f"not {word}" for key, word in HINTS.items())
        lines.append(f"- Annotations: {', '.join(words)}")
    if "sideEffects" in contract:
        lines.append(f"- Side effects: {text(contract['sideEffects'])}")
    lines.append(f"- Contract version: {contract['version']}")
    return [
        f"### {code(contract['name'])}",
        f"{text(contract['title'])}. {text(contract['description'])}",
        "\n".join(lines),
    ]


def tool_blocks(contract: Json, common: Sequence[Json]) -> list[str]:
    """Return a tool's blocks; errors that every tool has are not repeated."""
    blocks = [*head(contract), "Input:", field_table(contract["inputSchema"])]
    blocks += ["Output:", field_table(contract["outputSchema"])]
    if own := [error for error in contract["errors"] if error not in common]:
        blocks += ["Errors, besides those of every tool:", error_table(own)]
    return blocks


def error_table(errors: Sequence[Json]) -> str:
    """Return a table of error codes."""
    rows = ((code(error["code"]), text(error["description"])) for error in errors)
    return table(("code", "when"), *rows)


def argument_table(arguments: Sequence[Json]) -> str:
    """Return a table of a prompt's arguments."""
    rows = [
        (code(one["name"]), yes_no(bool(one.get("required"))), text(one.get("description", "")))
        for one in arguments
    ]
    return table(("argument", "required", "meaning"), *rows) if rows else "None."


def field_table(schema: Json) -> str:
    """Return a table of a schema's fields, nested ones by their path."""
    columns = ("field", "type", "required", "constraints", "meaning")
    rows = list(field_rows(schema))
    return table(columns, *rows) if rows else "None."


def field_rows(schema: Json, prefix: str = "") -> Iterator[tuple[str, ...]]:
    """Yield a row per property: required ones first, children after their parent."""
    required = schema.get("required", [])
    properties = schema.get("properties", {}).items()
    for name, node in sorted(properties, key=lambda item: (item[0] not in required, item[0])):
        path, child = prefix + name, node
        meaning = text(node.get("description", ""))
        yield code(path), type_of(node), yes_no(name in required), constraints(node), meaning
        while child.get("type") == "array":
            path, child = f"{path}[]", child.get("items", {})
        yield from field_rows(child, f"{path}.")


def type_of(schema: Json) -> str:
    """Return a schema's type in words."""
    if schema.get("type") == "array":
        return f"array of {type_of(schema.get('items', {}))}"
    return str(schema.get("type", "any"))


def constraints(schema: Json) -> str:
    """Return what a value must satisfy besides its type."""
    parts = []
    if "enum" in schema:
        parts.append("one of " + ", ".join(code(compact(value)) for value in schema["enum"]))
    for label, (low, high) in RANGES.items():
        if low in schema and high in schema:
            parts.append(f"{label} {compact(schema[low])} to {compact(schema[high])}")
        elif low in schema:
            parts.append(f"{label} at least {compact(schema[low])}")
        elif high in schema:
            parts.append(f"{label} at most {compact(schema[high])}")
    if "pattern" in schema:
        parts.append(f"matches {code(schema['pattern'])}")
    if "format" in schema:
        parts.append(f"format {code(schema['format'])}")
    if "default" in schema:
        parts.append(f"default {code(compact(schema['default']))}")
    return "; ".join(parts)


def table(*rows: Sequence[str]) -> str:
    """Return a Markdown table; the first row is its head."""
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])


def text(value: str) -> str:
    """Return prose that cannot break a line or start HTML."""
    return value.replace("\n", " ").replace("<", "&lt;")


def code(value: str) -> str:
    """Return an inline code span."""
    return f"`` {value} ``" if "`" in value else f"`{value}`"


def compact(value: object) -> str:
    """Return a value as the shortest JSON."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def yes_no(value: bool) -> str:  # noqa: FBT001 -- the value itself, not a mode
    """Return a truth value as a word."""
    return "yes" if value else "no"


if __name__ == "__main__":
    Path("docs/api.md").write_text(render(Path("contracts")), encoding="utf-8", newline="\n")
