"""make security-scan finds what is planted, and tells not knowing from finding nothing."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from scripts import security_scan


def answer(stdout: str, stderr: str = "") -> Callable[..., SimpleNamespace]:
    """Return a stand-in for the scanner's way to run a tool."""

    def run(*_: str) -> SimpleNamespace:
        return SimpleNamespace(stdout=stdout, stderr=stderr)

    return run


def audit(*packages: Mapping[str, object]) -> str:
    return json.dumps({"dependencies": packages})


CLEAN = {"name": "sound", "version": "1.0", "vulns": []}
VULNERABLE = {
    "name": "leaky",
    "version": "1.0",
    "vulns": [{"id": "CVE-2026-0001", "fix_versions": ["1.1"]}],
}
SKIPPED = {"name": "unheard", "skip_reason": "Dependency not found on PyPI"}


def test_a_planted_secret_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    halves = ("AKIA", "IOSFODNN7QEXAMPL")  # apart, so that the scan of this project stays clean
    (tmp_path / "settings.py").write_text(f'KEY = "{"".join(halves)}"\n', encoding="utf-8")
    (tmp_path / "clean.py").write_text("KEY = input()\n", encoding="utf-8")

    assert list(security_scan.secrets()) == ["settings.py:1: AWS Access Key"]


def test_a_planted_unsafe_call_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "src").mkdir()
    unsafe = "import subprocess\n\nsubprocess.run(input(), shell=True)\n"
    (tmp_path / "src" / "unsafe.py").write_text(unsafe, encoding="utf-8")

    assert any("unsafe.py:3: B602" in finding for finding in security_scan.static_analysis())


def test_a_licence_that_is_not_allowed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(security_scan.PROJECT["tool"]["security-scan"], "licences", ["MIT"])

    findings = list(security_scan.licences())

    assert any(finding.startswith("certifi ") for finding in findings)
    assert not any(finding.startswith("mcp ") for finding in findings)


def test_a_known_vulnerability_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security_scan, "run", answer(audit(CLEAN, VULNERABLE)))

    assert list(security_scan.vulnerabilities()) == ["leaky 1.0: CVE-2026-0001, fixed in 1.1"]


@pytest.mark.parametrize("answered", [audit(CLEAN, SKIPPED), ""])
def test_no_answer_is_not_a_clean_answer(monkeypatch: pytest.MonkeyPatch, answered: str) -> None:
    monkeypatch.setattr(security_scan, "run", answer(answered, "ConnectionError: no route"))

    with pytest.raises(security_scan.UnauditedError):
        list(security_scan.vulnerabilities())


@pytest.mark.parametrize(
    ("package", "allow", "status", "said"),
    [
        (CLEAN, "", 0, "security-scan: clean"),
        (VULNERABLE, "1", 1, "security-scan: 1 findings"),
        (SKIPPED, "", 1, "ALLOW_UNAUDITED=1"),
        (SKIPPED, "1", 0, "ALLOW_UNAUDITED=1"),
    ],
)
def test_the_three_outcomes(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    package: Mapping[str, object],
    allow: str,
    status: int,
    said: str,
) -> None:
    monkeypatch.setattr(security_scan, "CHECKS", {"vulnerabilities": security_scan.vulnerabilities})
    monkeypatch.setattr(security_scan, "run", answer(audit(package)))
    monkeypatch.setenv("ALLOW_UNAUDITED", allow)

    assert security_scan.main() == status
    assert said in capsys.readouterr().out
