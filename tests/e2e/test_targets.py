"""Every Make target of the standard does real work, on default and on hostile answers."""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from clients import list_tools_stdio
from conftest import Repository, need, planted, tail

TARGETS = [
    "venv",
    "install",
    "activate",
    "serve",
    "test",
    "lint",
    "docs",
    "test-integration",
    "security-scan",
    "performance-test",
    "build",
    "container",
    "deploy",
    "test-contract",
    "test-security",
    "test-perf",
    "test-e2e",
    "help",
    "format",
    "clean",
    "serve-stdio",
    "contracts",
    "sbom",
    "container-run",
    "inspect",
    "baseline",
]
GENEROUS = {
    "PERF_SECONDS": "3",
    "PERF_CALLS_VS_QUICKSTART": "0.01",
    "PERF_P50_VS_LIVE": "1000",
    "PERF_PEAK_MEMORY_MIB": "2000",
}


def test_help_names_every_target_with_a_line(repository: Repository) -> None:
    shown = repository.make_ok("help").stdout
    described = dict(re.findall(r"^\s*([a-z0-9-]+)\s{2,}(\S.*)$", shown, re.MULTILINE))
    assert [target for target in TARGETS if target not in described] == []


def test_install_leaves_the_tree_clean_and_is_quick_the_second_time(repository: Repository) -> None:
    assert repository.dirty() == ""
    assert "up to date" in repository.make_ok("install").output or repository.make("-q", "install").code == 0


@pytest.mark.answers("default")
def test_activate_puts_the_tools_on_the_path(repository: Repository) -> None:
    line = repository.make_ok("-s", "activate").stdout.strip()
    tool = repository.spec["tool"]
    found = repository.run("bash", "-c", f"{line} && command -v {tool}").stdout.strip()
    assert Path(found).is_relative_to(repository.path)


def test_lint_is_clean(repository: Repository) -> None:
    repository.make_ok("lint")


@pytest.mark.answers("hostile")
def test_format_changes_nothing(repository: Repository) -> None:
    repository.make_ok("format")
    assert repository.dirty() == ""


@pytest.mark.answers("default")
def test_tests_pass_within_the_coverage_limits(repository: Repository) -> None:
    repository.make_ok("test")
    assert repository.dirty() == ""


def test_contracts_and_docs_are_what_the_code_says(repository: Repository) -> None:
    repository.make_ok("contracts", "docs")
    assert repository.dirty() == ""


@pytest.mark.answers("default")
def test_perf_passes_generous_limits_and_writes_a_profile(repository: Repository) -> None:
    before = {path for path in repository.path.rglob("*profile*") if path.is_file()}
    shown = repository.make_ok("performance-test", env={**GENEROUS, "PROFILE": "1"}).output
    assert [word for word in ("p50", "p95", "p99", "throughput", "error", "memory") if word not in shown.lower()] == []
    new = {path for path in repository.path.rglob("*prof*") if path.is_file()} - before
    assert any(path.stat().st_size > 0 for path in new)
    assert repository.dirty() == ""


@pytest.mark.answers("default")
def test_perf_fails_at_zero(repository: Repository) -> None:
    red = repository.make("test-perf", env={**GENEROUS, "PERF_P50_VS_LIVE": "0"})
    assert red.code != 0
    assert "p50_vs_live" in red.output


@pytest.mark.answers("default")
def test_security_scan_tells_its_outcomes_apart(repository: Repository) -> None:
    audited = repository.make("security-scan")
    allowed = repository.make("security-scan", env={"ALLOW_UNAUDITED": "1"})
    assert allowed.code == 0, tail(allowed.output)
    if audited.code != 0:
        assert "ALLOW_UNAUDITED=1" in audited.output


@pytest.mark.answers("default")
@pytest.mark.parametrize("finding", ["secret", "unsafe", "licence"])
def test_security_scan_finds_what_is_planted(repository: Repository, finding: str) -> None:
    spec = repository.spec["plant"][finding]
    path = repository.path / spec["path"]
    text = spec["text"].replace("SECRET", "AKIA" + "QYLPMN5HFIQR7XYA") if "text" in spec else None
    if text is None:
        before = path.read_text()
        assert spec["replace"] in before
        text = before.replace(spec["replace"], spec["with"])
    with planted(path, text):
        if finding == "secret":
            assert repository.run("git", "add", "-N", spec["path"]).code == 0
        red = repository.make("security-scan", env={"ALLOW_UNAUDITED": "1"})
    repository.run("git", "reset", "-q")
    assert red.code != 0
    assert spec["says"] in red.output, tail(red.output)


@pytest.mark.answers("default")
def test_sbom_lists_components(repository: Repository) -> None:
    repository.make_ok("sbom")
    ignored = repository.run("git", "ls-files", "--others", "--directory").stdout.split()
    found = [file for folder in ignored for file in repository.path.glob(f"{folder}sbom*.json")]
    assert len(found) == 1, ignored
    document = json.loads(found[0].read_text())
    assert document["bomFormat"] == "CycloneDX"
    assert len(document["components"]) > 10
    assert repository.dirty() == ""


@pytest.mark.answers("hostile")
def test_build_installs_in_an_empty_environment_and_answers(repository: Repository, tmp_path: Path) -> None:
    repository.make_ok("build")
    assert repository.dirty() == ""
    spec = repository.spec["artifact"]
    for step in spec["install"]:
        done = repository.run("bash", "-euc", step, env={"ENV_DIR": str(tmp_path)})
        assert done.code == 0, f"{step}\n{tail(done.output)}"
    command = [str(tmp_path / spec["command"][0]), *spec["command"][1:]]
    assert "process_text" in list_tools_stdio(command, cwd="/")


@pytest.mark.answers("default")
def test_deploy_applies_the_overlay(repository: Repository, tmp_path: Path) -> None:
    stub = tmp_path / "kubectl"
    stub.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> "{tmp_path}/calls"\n')
    stub.chmod(0o755)
    with_stub = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "ENV": "production"}
    repository.make_ok("deploy", env=with_stub)
    assert (tmp_path / "calls").read_text().split("\n")[:3] == ["apply", "-k", "deploy/overlays/production"]


@pytest.mark.answers("default")
def test_a_missing_program_is_a_clear_error(repository: Repository, tmp_path: Path) -> None:
    for program in ["make", "sh", "bash", "env", "uname", "grep", "sed", "awk", "cat", "rm", "mkdir", "test"]:
        (tmp_path / program).symlink_to(need(program))
    for target, names in (("deploy", ("kubectl",)), ("container", ("podman", "buildah", "docker"))):
        result = repository.run(str(tmp_path / "make"), target, env={"PATH": str(tmp_path)})
        assert result.code != 0
        assert all(name in result.output for name in names), result.output


@pytest.mark.answers("default")
def test_clean_keeps_what_git_keeps(repository: Repository, tmp_path: Path) -> None:
    copy = replace(repository, path=tmp_path / repository.name)
    shutil.copytree(repository.path, copy.path, symlinks=True, copy_function=os.link)
    status = ("git", "status", "--porcelain", "--ignored")
    assert copy.run(*status).stdout != ""
    copy.make_ok("clean")
    left = copy.run(*status).stdout
    assert left == "", left
