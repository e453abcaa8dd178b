"""The contracts as files: `python -m PACKAGE.contracts [FOLDER]` writes them from the code."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .schemas import canonical_schema
from .tools.registry import PROMPTS, RESOURCES, TOOLS, Annotations, Contract, Prompt, Resource, Tool

Document = dict[str, Any]


def tool_annotations(annotations: Annotations) -> dict[str, bool]:
    """Return the annotations as they stand on the wire."""
    return {
        "readOnlyHint": annotations.read_only,
        "destructiveHint": annotations.destructive,
        "idempotentHint": annotations.idempotent,
        "openWorldHint": annotations.open_world,
    }


def _common(contract: Contract) -> Document:
    document: Document = {
        "name": contract.name,
        "title": contract.title,
        "description": contract.full_description,
        "version": contract.version,
    }
    if deprecated := contract.deprecated:
        document["deprecated"] = {
            "since": deprecated.since,
            "replacedBy": deprecated.replaced_by,
            "removedIn": deprecated.removed_in,
        }
    return document


def tool_contract(tool: Tool) -> Document:
    """Return the contract of a tool."""
    return _common(tool) | {
        "inputSchema": canonical_schema(tool.input, "validation"),
        "outputSchema": canonical_schema(tool.output, "serialization"),
        "annotations": tool_annotations(tool.annotations),
        "scope": tool.scope,
        "sideEffects": tool.side_effects,
        "errors": [
            {"code": code, "description": text} for code, text in sorted(tool.all_errors.items())
        ],
    }


def resource_contract(resource: Resource) -> Document:
    """Return the contract of a resource."""
    return _common(resource) | {
        "uriTemplate" if resource.is_template else "uri": resource.uri,
        "mimeType": resource.mime_type,
        "scope": resource.scope,
    }


def prompt_contract(prompt: Prompt) -> Document:
    """Return the contract of a prompt."""
    return _common(prompt) | {
        "arguments": [
            {"name": name, "description": text, "required": True}
            for name, text in prompt.arguments.items()
        ]
    }


def contract_files() -> dict[str, str]:
    """Return every contract's text by its path below `contracts/`."""
    documents: dict[str, Document] = {
        **{f"tools/{tool.name}.json": tool_contract(tool) for tool in TOOLS},
        **{f"resources/{item.name}.json": resource_contract(item) for item in RESOURCES},
        **{f"prompts/{prompt.name}.json": prompt_contract(prompt) for prompt in PROMPTS},
    }
    return {path: render(document) for path, document in documents.items()}


def render(document: Mapping[str, Any]) -> str:
    """Return the normal form: sorted keys, two spaces, raw Unicode, a final newline."""
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def write(folder: Path) -> None:
    """Make the files below `folder` those of the code; the baseline is left alone."""
    files = {folder / path: text for path, text in contract_files().items()}
    for kind in ("tools", "resources", "prompts"):
        for stale in set((folder / kind).glob("*.json")) - set(files):
            stale.unlink()
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Write the contracts to the folder that the arguments name, `contracts` by default."""
    arguments = sys.argv[1:] if argv is None else argv
    write(Path(arguments[0] if arguments else "contracts"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
