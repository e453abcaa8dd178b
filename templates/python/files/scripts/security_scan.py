"""Static analysis, secrets, licences and known vulnerabilities (make security-scan).

Exit status: 0 when clean; 1 with findings; 1 when the advisory database cannot be reached, which
says nothing about the dependencies. ALLOW_UNAUDITED=1 lets only that last outcome pass.
"""

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

PROJECT = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
# Locks and the template's record are written by tools, hash upon hash.
NOT_SCANNED = re.compile(r"^(requirements|\.cargo-mcp)/")
# These take every digest for a secret.
NOISY_PLUGINS = ("Base64HighEntropyString", "HexHighEntropyString")
# Kubernetes calls the names of secrets so.
KUBERNETES_FIELDS = r"^ *(- )?secret(Name|Key): "
SPDX = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}


class UnauditedError(Exception):
    """The advisory database gave no answer for some dependency."""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module of this environment and keep what it prints."""
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)  # noqa: S603 -- own arguments


def static_analysis() -> Iterator[str]:
    """Yield what bandit finds in what is shipped."""
    report = run("bandit", "--quiet", "--format", "json", "--recursive", "src")
    try:
        results = json.loads(report.stdout)
    except ValueError:
        yield f"bandit failed: {report.stderr.strip()}"
        return
    for error in results["errors"]:
        yield f"{error['filename']}: {error['reason']}"
    for found in results["results"]:
        place = f"{found['filename']}:{found['line_number']}"
        yield f"{place}: {found['test_id']} {found['issue_text']}"


def project_files() -> list[str]:
    """Return what git tracks or would track; without git, all but what make writes."""
    names: list[str] = []
    if git := shutil.which("git"):
        command = [git, "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        listed = subprocess.run(command, capture_output=True, check=False).stdout  # noqa: S603 -- own arguments
        names = [name for name in listed.decode().split("\0") if name]
    if not names:
        written = {".venv", "build", "dist", ".git", ".mypy_cache", ".ruff_cache", ".hypothesis"}
        paths = (path for path in Path().rglob("*") if not written & set(path.parts))
        names = [path.as_posix() for path in paths]
    return sorted(name for name in names if not NOT_SCANNED.match(name) and Path(name).is_file())


def secrets() -> Iterator[str]:
    """Yield where a file seems to hold a secret; `pragma: allowlist secret` excuses a line."""
    options = [word for plugin in NOISY_PLUGINS for word in ("--disable-plugin", plugin)]
    options += ["--exclude-lines", KUBERNETES_FIELDS]
    files = project_files()
    for start in range(0, len(files), 200):  # a command line has a longest length
        batch = files[start : start + 200]
        report = run("detect_secrets.pre_commit_hook", "--json", "--no-verify", *options, *batch)
        try:
            results = json.loads(report.stdout)["results"] if report.stdout.strip() else {}
        except ValueError:
            yield f"detect-secrets failed: {report.stderr.strip()}"
            return
        for name, found in results.items():
            for secret in found:
                yield f"{name}:{secret['line_number']}: {secret['type']}"


def licences() -> Iterator[str]:
    """Yield each installed package whose licence is not on the list in pyproject.toml."""
    allowed = set(PROJECT["tool"]["security-scan"]["licences"])
    for package in importlib.metadata.distributions():
        if package.name == PROJECT["project"]["name"]:
            continue
        licence = licence_of(package)
        choices = licence.strip("()").split(" OR ")
        if not any(allowed.issuperset(choice.split(" AND ")) for choice in choices):
            yield f"{package.name} {package.version}: licence {licence or 'unknown'}"


def licence_of(package: importlib.metadata.Distribution) -> str:
    """Return a package's licence as an SPDX expression where it can be told."""
    metadata = package.metadata
    if "License-Expression" in metadata:
        return metadata["License-Expression"]
    named = [
        line.rpartition(" :: ")[2]
        for line in metadata.get_all("Classifier") or []
        if line.startswith("License :: OSI Approved :: ")
    ]
    if not named and "License" in metadata:
        named = metadata["License"].splitlines()[:1]
    return " AND ".join(SPDX.get(name, name) for name in named)


def vulnerabilities() -> Iterator[str]:
    """Yield the known vulnerabilities of everything locked.

    Raises UnauditedError unless there was an answer for every package: pip-audit itself calls a
    package that it could not look up skipped, and succeeds.
    """
    lock = ["--requirement", "requirements/dev.txt", "--disable-pip", "--require-hashes"]
    report = run("pip_audit", *lock, "--format", "json", "--progress-spinner", "off")
    try:
        packages = json.loads(report.stdout)["dependencies"]
    except ValueError:
        reason = report.stderr.strip().splitlines()
        raise UnauditedError(reason[-1] if reason else "pip-audit said nothing") from None
    for package in packages:
        for known in package.get("vulns", []):
            fixed = ", ".join(known["fix_versions"]) or "no version"
            yield f"{package['name']} {package['version']}: {known['id']}, fixed in {fixed}"
    if skipped := [package["name"] for package in packages if "skip_reason" in package]:
        raise UnauditedError(f"no answer for {len(skipped)} of {len(packages)} packages")


CHECKS = {
    "static analysis": static_analysis,
    "secrets": secrets,
    "licences": licences,
    "vulnerabilities": vulnerabilities,
}


def main() -> int:
    """Run every check, print what each found and return the exit status."""
    findings = 0
    unaudited = ""
    for title, check in CHECKS.items():
        before = findings
        try:
            for finding in check():
                print(f"  {finding}")
                findings += 1
        except UnauditedError as error:
            unaudited = str(error)
        said = "unknown" if unaudited else "clean"
        print(f"{title}: {f'{findings - before} found' if findings > before else said}")
    if findings:
        print(f"security-scan: {findings} findings")
        return 1
    if unaudited:
        print(f"security-scan: the advisory database could not be reached ({unaudited})")
        print("Nothing is known about vulnerable dependencies; ALLOW_UNAUDITED=1 lets that pass.")
        return 0 if os.environ.get("ALLOW_UNAUDITED") == "1" else 1
    print("security-scan: clean")
    return 0


if __name__ == "__main__":
    sys.exit(main())
