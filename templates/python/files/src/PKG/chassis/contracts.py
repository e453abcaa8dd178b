"""From a declaration to its contract, and the contracts as files."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .declarations import Annotations, Contract, Prompt, Resource, Server, Tool
from .schemas import canonical_schema

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


def tool_contract(tool: Tool[Any, Any]) -> Document:
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


def contract_files(server: Server) -> dict[str, str]:
    """Return every contract's text by its path below `contracts/`."""
    documents: dict[str, Document] = {
        **{f"tools/{item.name}.json": tool_contract(item) for item in server.tools},
        **{f"resources/{item.name}.json": resource_contract(item) for item in server.resources},
        **{f"prompts/{item.name}.json": prompt_contract(item) for item in server.prompts},
    }
    return {path: render(document) for path, document in documents.items()}


def render(document: Mapping[str, Any]) -> str:
    """Return the normal form: sorted keys, two spaces, raw Unicode, a final newline."""
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def write(server: Server, folder: Path) -> None:
    """Make the files below `folder` those of the code; the baseline is left alone."""
    files = {folder / path: text for path, text in contract_files(server).items()}
    for kind in ("tools", "resources", "prompts"):
        for stale in set((folder / kind).glob("*.json")) - set(files):
            stale.unlink()
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
