"""Write dist/sbom.cdx.json: a CycloneDX bill of materials of what is shipped (make sbom).

Made from pyproject.toml and requirements/runtime.txt alone, so the same lock gives the same bytes.
"""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

LOCKED = re.compile(r"^([a-z0-9-]+)(?:\[[^]]*\])?==([^ ;\\]+)", re.MULTILINE)


def component(kind: str, name: str, version: str) -> dict[str, Any]:
    """Return a CycloneDX component; its package URL is its identity."""
    purl = f"pkg:pypi/{name}@{version}"
    return {"type": kind, "bom-ref": purl, "name": name, "version": version, "purl": purl}


def bill(project: dict[str, Any], lock: str) -> dict[str, Any]:
    """Return the bill of materials of a project and its lock."""
    root = component("application", project["name"], project["version"])
    parts = [component("library", name, version) for name, version in LOCKED.findall(lock)]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": root},
        "components": parts,
        "dependencies": [
            {"ref": root["bom-ref"], "dependsOn": sorted({part["bom-ref"] for part in parts})}
        ],
    }


if __name__ == "__main__":
    metadata = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    locked = Path("requirements/runtime.txt").read_text(encoding="utf-8")
    target = Path("dist/sbom.cdx.json")
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(bill(metadata, locked), indent=2) + "\n", encoding="utf-8")
    print(f"{target}: {len(LOCKED.findall(locked))} components")
