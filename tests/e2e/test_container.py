"""``make container`` builds an image that holds what the standard's section 10 promises."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.request
from typing import TYPE_CHECKING

import pytest

from clients import list_tools_http
from conftest import ROOT, Repository, need
from containers import Engine

if TYPE_CHECKING:
    from collections.abc import Iterator

# Whatever the default answers hold, the hostile ones hold too.
pytestmark = pytest.mark.answers("hostile")
ROOT_ONLY = "needs root and the packages buildah, podman, runc and mmdebstrap"


@pytest.fixture(scope="session")
def engine() -> Engine:
    for program in ("buildah", "podman", "runc", "mmdebstrap"):
        need(program)
    if os.geteuid() != 0:
        pytest.skip(ROOT_ONLY)
    return Engine.create(ROOT / "target/e2e-containers")


@pytest.fixture(scope="session")
def image(engine: Engine, repository: Repository, tmp_path_factory: pytest.TempPathFactory) -> str:
    compiles, settings = "cc" in repository.spec["toolchain"], repository.spec.get("environment", {})
    engine.stand_in(repository.path / "Containerfile", settings, compiles=compiles)
    path = engine.path_with_wrapper(tmp_path_factory.mktemp("bin"), settings, compiles=compiles)
    name = f"{repository.language}-e2e"  # all languages have one name, and one storage
    assert f"--tag {repository.name}:0.1.0 " in repository.make_ok("-n", "container").stdout
    repository.make_ok("container", env={**engine.env, "PATH": path, "IMAGE": name})
    return name


def test_image_holds_the_promises(engine: Engine, repository: Repository, image: str) -> None:
    config = json.loads(engine.call("podman", "image", "inspect", image))[0]
    assert config["User"].partition(":")[0].isdigit()
    assert config["User"] != "0"
    assert config["Healthcheck"]["Test"][0] == "CMD"
    assert "8000/tcp" in config["Config"]["ExposedPorts"]
    env = dict(entry.split("=", 1) for entry in config["Config"]["Env"])
    assert (env["MCP_TRANSPORT"], env["MCP_SERVER_HOST"]) == ("http", "0.0.0.0")  # noqa: S104 - what the image must say
    labels = config["Labels"]
    assert labels["org.opencontainers.image.description"] == repository.description
    assert labels["io.modelcontextprotocol.server.name"].endswith(f"/{repository.name}")


def test_image_has_no_compiler_and_no_certificates_of_the_builder(engine: Engine, image: str) -> None:
    found = engine.call(
        "podman",
        "run",
        "--rm",
        "--pull=never",
        "--network=host",
        "--entrypoint",
        "/bin/sh",
        image,
        "-c",
        "command -v cc gcc uv pytest vitest tsc; true",
    )
    assert found == ""


def test_it_refuses_to_start_unauthenticated(engine: Engine, image: str) -> None:
    done = subprocess.run(
        ["podman", "run", "--rm", "--pull=never", "--network=host", image],
        env=engine.env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "MCP_ALLOW_UNAUTHENTICATED" in done.stderr


@pytest.fixture
def running(engine: Engine, repository: Repository, image: str) -> Iterator[tuple[str, str]]:
    """A hardened container and the server's address."""
    name = f"e2e-{repository.name[:40]}-{os.getpid()}"
    engine.call(
        "podman",
        "run",
        "-d",
        "--name",
        name,
        "--pull=never",
        "--network=host",
        "--read-only",
        "--tmpfs=/tmp",
        "--cap-drop=all",
        "--security-opt=no-new-privileges",
        "--memory=384m",
        "--pids-limit=128",
        "-e",
        "MCP_ALLOW_UNAUTHENTICATED=true",
        "-e",
        f"MCP_SERVER_PORT={free_port()}",
        "-e",
        "MCP_ALLOWED_HOSTS=127.0.0.1",
        image,
    )
    try:
        yield name, f"http://127.0.0.1:{_port(engine, name)}"
    finally:
        subprocess.run(["podman", "rm", "-f", name], env=engine.env, capture_output=True, check=False)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _port(engine: Engine, name: str) -> int:
    for _ in range(300):
        logs = subprocess.run(["podman", "logs", name], env=engine.env, capture_output=True, text=True, check=True)
        for line in logs.stderr.splitlines():
            if '"server.started"' in line:
                return int(json.loads(line)["port"])
        time.sleep(0.1)
    raise AssertionError(f"no server.started\n{logs.stderr}")


def test_it_serves_read_only_without_capabilities_and_stops_cleanly(engine: Engine, running: tuple[str, str]) -> None:
    name, url = running
    for path in ("/live", "/health", "/ready", "/metrics"):
        with urllib.request.urlopen(url + path, timeout=10) as answer:
            assert answer.status == 200
    assert "process_text" in list_tools_http(f"{url}/mcp")
    engine.call("podman", "healthcheck", "run", name)
    assert engine.call("podman", "top", name, "capeff").splitlines()[1].strip() == "none"
    engine.call("podman", "stop", "-t", "20", name)
    assert engine.call("podman", "inspect", "--format", "{{.State.ExitCode}}", name) == "0"
