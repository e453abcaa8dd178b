"""Which server to test, started how: a pytest plugin of the acceptance kit and the conformance run."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from kit.process import Launcher


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("server under test")
    group.addoption("--command", help="what starts the server, as one shell-quoted line, with absolute paths")
    group.addoption("--cwd", type=Path, help="folder to start it in (default: an empty one)")
    group.addoption("--project", type=Path, help="the generated repository, for its contracts")


@pytest.fixture(scope="session")
def launcher(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Launcher:
    command = pytestconfig.getoption("--command")
    if not command:
        pytest.fail("say which server to test: --command '/path/to/program arguments'", pytrace=False)
    return Launcher(shlex.split(command), pytestconfig.getoption("--cwd") or tmp_path_factory.mktemp("cwd"))


@pytest.fixture(scope="session")
def project(pytestconfig: pytest.Config) -> Path:
    folder = pytestconfig.getoption("--project")
    if not folder:
        pytest.fail("say where the generated repository is: --project DIR", pytrace=False)
    return folder
