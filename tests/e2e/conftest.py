"""End-to-end tests: generate a repository in every language and run its own Make targets.

A language brings what these tests must know of it (a call to plant, how its artifact installs) in
``templates/LANG/e2e.toml``; nothing here names one. A language whose toolchain is missing is
skipped loudly, never under ``CI=true``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tomllib
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import stages

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
CI = os.environ.get("CI") == "true"

ANSWERS: dict[str, dict[str, str]] = {
    "default": {"name": "my-server"},
    "hostile": {
        "name": "s" + "-very-long-name" * 4 + "-ab",
        "description": 'It\'s "quoted" \\ $(touch pwned) `id` ${HOME} {{ x }} <{ y }> \'\'\'""" */ --> <b>#'
        "\u202e \U0001f469\u200d\U0001f4bb \u2028 %s {0} Zo\u00eb",
        "author": 'O\'Neil "$(id)" \\ <script> #1 {{ a }}',
        "license": "Apache-2.0",
    },
}


def need(program: str) -> str:
    """The path of a program; without it the test is skipped, or fails under ``CI=true``."""
    found = shutil.which(program)
    if found:
        return found
    message = f"{program} is not installed; install it to run this test"
    if CI:
        pytest.fail(message)
    pytest.skip(message)


@dataclass(frozen=True)
class Result:
    code: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        return self.stdout + self.stderr


@dataclass(frozen=True)
class Repository:
    """A generated repository, and what its language's ``e2e.toml`` says.

    ``environment`` there holds for every command in it; ``<{ cache }>`` is a folder that all repositories of the
    language share.
    """

    path: Path
    language: str
    answers: str
    name: str

    @property
    def package(self) -> str:
        return self.name.replace("-", "_")

    @cached_property
    def spec(self) -> dict[str, Any]:
        text = (ROOT / "templates" / self.language / "e2e.toml").read_text()
        spec: dict[str, Any] = tomllib.loads(self.fill(text))
        return spec

    @property
    def description(self) -> str:
        manifest = tomllib.loads((self.path / ".cargo-mcp/manifest.toml").read_text())
        return str(manifest["answers"]["description"])

    def fill(self, text: str) -> str:
        cache = str(ROOT / "target" / f"e2e-cache-{self.language}")
        for key, value in (("name", self.name), ("package", self.package), ("cache", cache)):
            text = text.replace(f"<{{ {key} }}>", value)
        return text

    @property
    def command(self) -> list[str]:
        """The program and its arguments as client configurations name them: absolute."""
        return [str(self.path / part) if (self.path / part).exists() else part for part in self.spec["command"]]

    def run(self, *command: str, timeout: float = 900, env: dict[str, str] | None = None) -> Result:
        """Run a command in the repository with nothing of the server's own settings inherited."""
        done = subprocess.run(
            command,
            cwd=self.path,
            env=environment({**self.spec.get("environment", {}), **(env or {})}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def make(self, *targets: str, env: dict[str, str] | None = None, timeout: float = 900) -> Result:
        return self.run("make", *targets, env=env, timeout=timeout)

    def make_ok(self, *targets: str, env: dict[str, str] | None = None) -> Result:
        result = self.make(*targets, env=env)
        assert result.code == 0, f"make {' '.join(targets)} exited {result.code}\n{tail(result.output)}"
        return result

    def commit(self, message: str) -> None:
        identity = ("-c", "user.name=e2e", "-c", "user.email=e2e@example.com")
        for command in (("git", "add", "-A"), ("git", *identity, "commit", "-qm", message)):
            assert self.run(*command).code == 0

    def dirty(self) -> str:
        return self.run("git", "status", "--porcelain").stdout


def environment(more: dict[str, str] | None = None) -> dict[str, str]:
    others = ("MCP_", "PYTEST", "PYTHON", "VIRTUAL_ENV", "COV_")
    kept = {
        key: value for key, value in os.environ.items() if key == "PYTEST_DEBUG_TEMPROOT" or not key.startswith(others)
    }
    return {**kept, **(more or {})}


def tail(text: str, lines: int = 60) -> str:
    return "\n".join(text.splitlines()[-lines:])


@contextmanager
def planted(path: Path, text: str) -> Iterator[None]:
    """The file with this text; afterwards as it was."""
    before = path.read_text() if path.exists() else None
    path.write_text(text)
    try:
        yield
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_text(before)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cargo-mcp", default=str(ROOT / "target/debug/cargo-mcp"), help="the built tool")
    parser.addoption("--language", action="append", help="only this language; may be repeated")
    parser.addoption("--stages", help="the file for the seconds of each stage")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(stages)


def languages(config: pytest.Config) -> list[str]:
    chosen: list[str] | None = config.getoption("--language")
    if chosen:
        return chosen
    listed = subprocess.run(
        [config.getoption("--cargo-mcp"), "templates", "--format", "json"], capture_output=True, text=True, check=True
    )
    return [template["language"] for template in json.loads(listed.stdout)["templates"]]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "repository" in metafunc.fixturenames:
        only = metafunc.definition.get_closest_marker("answers")
        answers = only.args if only else tuple(ANSWERS)
        cases = [
            pytest.param((language, chosen), id=f"{language}-{chosen}")
            for language in languages(metafunc.config)
            for chosen in answers
        ]
        metafunc.parametrize("repository", cases, indirect=True, scope="session")


@pytest.fixture(scope="session")
def cargo_mcp(request: pytest.FixtureRequest) -> str:
    return str(request.config.getoption("--cargo-mcp"))


def generate(cargo_mcp: str, folder: Path, language: str, answers: str) -> Repository:
    chosen = dict(ANSWERS[answers])
    name = chosen.pop("name")
    options = [part for key, value in chosen.items() for part in (f"--{key}", value)]
    target = folder / name
    subprocess.run([cargo_mcp, "new", str(target), "--lang", language, "-y", *options], check=True, env=environment())
    repository = Repository(target, language, answers, name)
    for program in repository.spec["toolchain"]:
        need(program)
    repository.commit("Start")
    return repository


@pytest.fixture
def edited(repository: Repository) -> Iterator[Repository]:
    """A repository to edit; afterwards it is as it was committed, and make builds it anew."""
    start = repository.run("git", "rev-parse", "HEAD").stdout.strip()
    yield repository
    for command in (("git", "reset", "-q", "--hard", start), ("git", "clean", "-fdq")):
        assert repository.run(*command).code == 0


@pytest.fixture(scope="session")
def repository(request: pytest.FixtureRequest, cargo_mcp: str, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A committed and installed repository; each test leaves it as it found it."""
    language, answers = request.param
    with stages.setting_up():
        made = generate(cargo_mcp, tmp_path_factory.mktemp(f"{language}-{answers}"), language, answers)
        made.make_ok("install")
    return made
