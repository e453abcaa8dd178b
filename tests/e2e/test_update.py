"""An update of a server that its owner has worked on: both sides are in it, and each kind of test alone is green."""

from __future__ import annotations

import shutil
import tomllib
from typing import TYPE_CHECKING

import pytest

from conftest import ROOT, Repository
from test_items import copy_a_tool

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.answers("default")


def prepend(path: Path, line: str) -> None:
    path.write_text(f"{line}\n{path.read_text()}")


def append(path: Path, line: str) -> None:
    path.write_text(f"{path.read_text()}\n{line}\n")


def source(templates: Path, language: str, path: str, package: str) -> Path:
    """The file of the template that becomes ``path``."""
    path = path.replace(f"src/{package}/", "src/PKG/", 1)
    candidates = [templates / layer / "files" / (path + end) for layer in (language, "shared") for end in ("", ".tera")]
    return next(candidate for candidate in candidates if candidate.exists())


def test_an_edited_server_is_green_after_an_update(edited: Repository, cargo_mcp: str, tmp_path: Path) -> None:
    language, comment = edited.language, edited.spec["comment"]
    templates = tmp_path / "templates"
    shutil.copytree(ROOT / "templates", templates)
    spec = templates / language / "template.toml"
    paths = tomllib.loads(edited.fill(spec.read_text()))["facts"]["paths"]

    # The repository as if it had been made from that folder, and what its owner does to it.
    manifest = edited.path / ".cargo-mcp/manifest.toml"
    origin = f'[template]\nfrom = "{templates}"\n\n[answers]'
    manifest.write_text(manifest.read_text().replace("[answers]", origin, 1))
    copies, registry, _ = copy_a_tool(edited)
    prepend(edited.path / paths["server"], f"{comment} Mine.")
    prepend(edited.path / "docs/runbook.md", "Mine.")
    append(edited.path / "Makefile", "# Mine.")
    append(edited.path / "README.md", "Mine.")
    readme = (edited.path / "README.md").read_text()
    (edited.path / "compose.yaml").unlink()
    edited.make_ok("contracts", "docs")
    edited.commit("Mine")

    # The template moves on.
    append(source(templates, language, paths["server"], edited.package), f"\n{comment} Version 0.2.0.")
    append(source(templates, language, paths["errors"], edited.package), f"\n{comment} Version 0.2.0.")
    prepend(templates / "shared/parts/Makefile", "# Version 0.2.0.")
    for path in ("README.md", "compose.yaml"):
        append(source(templates, language, path, edited.package), "# Version 0.2.0.")
    (templates / "shared/files/docs/new.md").write_text("New.\n")
    runbook = source(templates, language, "docs/runbook.md", edited.package)
    append(runbook, "Version 0.2.0.")
    spec.write_text(spec.read_text().replace('version = "0.1.0"', 'version = "0.2.0"', 1))

    done = edited.run(cargo_mcp, "update")
    assert done.code == 0, done.output
    assert "template 0.1.0 → 0.2.0" in done.stdout
    for path in (paths["server"], "docs/runbook.md", "Makefile"):
        text = (edited.path / path).read_text()
        assert "Mine." in text, path
        assert "Version 0.2.0." in text, path
    assert (edited.path / "docs/new.md").exists()
    assert (edited.path / "README.md").read_text() == readme
    assert not (edited.path / "compose.yaml").exists()
    assert all((edited.path / copy).exists() for copy in copies)
    assert edited.run("git", "diff", "--quiet", "HEAD", "--", registry, *copies).code == 0

    edited.make_ok("contracts", "docs", "format")
    for target in ("lint", "test-integration", "test-contract", "test-security", "test-e2e"):
        edited.make_ok(target)
    assert edited.run(cargo_mcp, "update", "--check").code == 0
