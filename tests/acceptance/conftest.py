"""Servers, clients and stubs. A server is shared by all tests that ask for the same settings.

    pytest tests/acceptance --command='/path/to/program arguments' --project=/path/to/repository
    pytest tests/acceptance/mutants …        the same against servers broken on purpose
    pytest tests/conformance …               the official suite

Name the suite first, or write the options with `=`: pytest looks for its settings in every folder it is given.
"""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from kit.options import launcher, project, pytest_addoption
from kit.redis import Redis
from kit.redis import available as redis_available
from kit.samples import API_KEY, ORIGIN
from kit.stdio import Stdio
from kit.stub import Records
from kit.tokens import Issuer
from kit.wire import ERAS, MODERN, Caller, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kit.process import HttpServer, Launcher

__all__ = ["launcher", "project", "pytest_addoption"]


class Serve(Protocol):
    def __call__(self, **settings: Any) -> HttpServer: ...


class Connect(Protocol):
    def __call__(self, server: HttpServer, *, token: str | None = None, era: str = MODERN) -> Wire: ...


class Speak(Protocol):
    def __call__(self, *, era: str = MODERN, handshake: bool = True, **settings: Any) -> Stdio: ...


@pytest.fixture(scope="session")
def shared_servers() -> Iterator[dict[str, HttpServer]]:
    """Servers by settings, all stopped at the end."""
    servers: dict[str, HttpServer] = {}
    yield servers
    for server in servers.values():
        server.stop()


@pytest.fixture(scope="session")
def share(launcher: Launcher, shared_servers: dict[str, HttpServer]) -> Serve:
    """Give a running server with these settings, started at most once; tests must leave it as it was."""

    failures: dict[str, str] = {}

    def get(**settings: Any) -> HttpServer:
        key = repr(sorted(settings.items()))
        if key in failures:
            pytest.fail(failures[key], pytrace=False)
        if key not in shared_servers:
            try:
                shared_servers[key] = launcher.http(**settings)
            except AssertionError as error:
                failures[key] = str(error)
                raise
        return shared_servers[key]

    return get


@pytest.fixture
def serve(launcher: Launcher) -> Iterator[Serve]:
    """Start a server of the test's own."""
    servers: list[HttpServer] = []

    def start(**settings: Any) -> HttpServer:
        servers.append(launcher.http(**settings))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def speak(launcher: Launcher) -> Iterator[Speak]:
    """Start a server on stdio and speak with it."""
    open_: list[Stdio] = []

    def start(*, era: str = MODERN, handshake: bool = True, **settings: Any) -> Stdio:
        open_.append(Stdio(launcher.stdio(**settings), era, handshake=handshake))
        return open_[-1]

    yield start
    for stdio in open_:
        stdio.process.stop()


@pytest.fixture
def connect() -> Iterator[Connect]:
    wires: list[Wire] = []

    def open_(server: HttpServer, *, token: str | None = None, era: str = MODERN) -> Wire:
        wires.append(Wire(server.url, token=token, era=era))
        return wires[-1]

    yield open_
    for wire in wires:
        wire.close()


@pytest.fixture(params=ERAS)
def era(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="session")
def records() -> Iterator[Records]:
    with Records() as stub:
        yield stub


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(32) as threads:
        yield threads


@pytest.fixture
def own_records(pool: ThreadPoolExecutor) -> Iterator[Records]:
    """An external service that only this test uses; it lets go of what hangs before the pool waits for its calls."""
    assert pool
    with Records() as stub:
        yield stub


@pytest.fixture(scope="session")
def open_settings(records: Records) -> dict[str, Any]:
    """Everything on, nobody refused."""
    return {
        "MCP_ENABLE_WRITES": True,
        "MCP_API_BASE_URL": records.url,
        "MCP_API_KEY": API_KEY,
        "MCP_BREAKER_FAILURES": 1000,
        "MCP_MAX_OPERATIONS": 1000,
        "MCP_ALLOWED_ORIGINS": ORIGIN,
    }


@pytest.fixture(scope="session")
def open_server(share: Serve, open_settings: dict[str, Any]) -> HttpServer:
    return share(**open_settings)


@pytest.fixture(scope="session")
def shared_stdio(launcher: Launcher, open_settings: dict[str, Any]) -> Iterator[Callable[[str], Stdio]]:
    """An open server on stdio for each era, started again only when it has ended."""
    running: dict[str, Stdio] = {}

    def get(era: str) -> Stdio:
        if era not in running or not running[era].process.running:
            running[era] = Stdio(launcher.stdio(**open_settings, MCP_RATE_LIMIT_PER_MINUTE=0), era)
        assert running[era].tools(), "answers that an earlier test did not wait for are passed over"
        return running[era]

    yield get
    for stdio in running.values():
        stdio.process.stop()


@pytest.fixture(scope="session")
def narrow_server(share: Serve, records: Records) -> HttpServer:
    """Small limits, a name of its own, and debug mode, which must show in logs only."""
    return share(
        MCP_ENABLE_WRITES=True,
        MCP_API_BASE_URL=records.url,
        MCP_SERVER_NAME="narrow",
        MCP_DEBUG_MODE=True,
        MCP_MAX_BODY_BYTES=16384,
        MCP_MAX_OPERATIONS=2,
        MCP_MAX_RESULT_BYTES=1024,
    )


@pytest.fixture
def modern(open_server: HttpServer, connect: Connect) -> Wire:
    """A wire to the open server, for what only the new era has or what knows no era."""
    return connect(open_server)


@pytest.fixture
def wire(open_server: HttpServer, connect: Connect, era: str) -> Wire:
    """A wire to the open server, once in each era."""
    return connect(open_server, era=era)


@pytest.fixture
def stdio(shared_stdio: Callable[[str], Stdio], era: str) -> Stdio:
    """An open server on stdio, once in each era."""
    return shared_stdio(era)


@pytest.fixture(params=[(transport, era) for transport in ("http", "stdio") for era in ERAS], ids="-".join)
def caller(request: pytest.FixtureRequest) -> Caller:
    """A client of an open server, on each transport and in each era."""
    transport, era = request.param
    if transport == "stdio":
        return request.getfixturevalue("shared_stdio")(era)
    return request.getfixturevalue("connect")(request.getfixturevalue("open_server"), era=era)


@pytest.fixture(scope="session")
def issuer() -> Issuer:
    return Issuer(audience="https://mcp.example/mcp")


@pytest.fixture(scope="session")
def jwt_settings(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:

    keys = tmp_path_factory.mktemp("keys") / "jwks.json"
    keys.write_text(json.dumps(issuer.jwks()), encoding="utf-8")
    return {
        "MCP_AUTH_MODE": "jwt",
        "MCP_AUTH_ISSUER": issuer.issuer,
        "MCP_AUTH_JWKS_FILE": keys,
        "MCP_PUBLIC_URL": issuer.audience.removesuffix("/mcp"),
        "MCP_ALLOWED_HOSTS": "127.0.0.1",
    }


@pytest.fixture(scope="session")
def guarded_server(share: Serve, records: Records, jwt_settings: dict[str, Any]) -> HttpServer:
    """Everything on, for bearers of a token only."""
    return share(MCP_ENABLE_WRITES=True, MCP_API_BASE_URL=records.url, MCP_API_KEY=API_KEY, **jwt_settings)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    """A redis-server; without the program, loud: an error in CI, a skip with its reason elsewhere."""
    if not redis_available:
        report = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        report("redis-server is not installed: shared state is NOT tested")
    store = Redis(tmp_path)
    store.start()
    yield store
    store.stop()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
