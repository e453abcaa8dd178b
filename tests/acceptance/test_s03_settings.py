"""Section 3: settings come typed from the environment; a wrong one stops the start and says why."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING, Any

from kit.process import until

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Connect, Serve, Speak
    from kit.process import Launcher
    from kit.stub import Records

DEFAULTS: dict[str, Any] = {
    "MCP_TRANSPORT": "stdio",
    "MCP_SERVER_HOST": "127.0.0.1",
    "MCP_SERVER_PORT": 8000,
    "MCP_PUBLIC_URL": "http://127.0.0.1:8000",
    "MCP_TRUSTED_PROXIES": [],
    "MCP_LOG_LEVEL": "INFO",
    "MCP_LOG_FORMAT": "json",
    "MCP_DEBUG_MODE": False,
    "MCP_ENABLE_WRITES": False,
    "MCP_TOOLS_DISABLED": [],
    "MCP_AUTH_MODE": "none",
    "MCP_AUTH_ISSUER": None,
    "MCP_AUTH_AUDIENCE": "http://127.0.0.1:8000/mcp",
    "MCP_AUTH_JWKS_URL": None,
    "MCP_AUTH_JWKS_FILE": None,
    "MCP_ALLOW_UNAUTHENTICATED": False,
    "MCP_RATE_LIMIT_PER_MINUTE": 600,
    "MCP_RATE_LIMIT_BURST": 60,
    "MCP_MAX_CONCURRENCY": 64,
    "MCP_MAX_QUEUE": 256,
    "MCP_TOOL_TIMEOUT_SECONDS": 30,
    "MCP_MAX_BODY_BYTES": 1048576,
    "MCP_MAX_RESULT_BYTES": 262144,
    "MCP_SHUTDOWN_DELAY_SECONDS": 0,
    "MCP_SHUTDOWN_GRACE_SECONDS": 35,
    "MCP_STATE_TTL_SECONDS": 3600,
    "MCP_MAX_OPERATIONS": 16,
    "MCP_API_BASE_URL": None,
    "MCP_API_TIMEOUT_SECONDS": 5,
    "MCP_API_MAX_CONCURRENCY": 16,
    "MCP_RETRY_ATTEMPTS": 3,
    "MCP_BREAKER_FAILURES": 5,
    "MCP_BREAKER_RESET_SECONDS": 30,
    "OTEL_EXPORTER_OTLP_ENDPOINT": None,
}
TRACE = re.compile(r"Traceback|^\s+at |panic|goroutine", re.MULTILINE)


def problems(launcher: Launcher, **settings: Any) -> list[str]:
    """Start with wrong settings; the lines on stderr."""
    done = launcher.run(**{"MCP_TRANSPORT": "http", "MCP_SERVER_PORT": "0"} | settings)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert not TRACE.search(done.stderr), done.stderr
    return done.stderr.splitlines()


def test_every_wrong_setting_is_one_line_with_name_value_and_what_is_expected(launcher: Launcher) -> None:
    wrong = {
        "MCP_TRANSPORT": "carrier-pigeon",
        "MCP_SERVER_PORT": "abc",
        "MCP_TRUSTED_PROXIES": "10.0.0.0/99",
        "MCP_LOG_LEVEL": "LOUD",
        "MCP_LOG_FORMAT": "xml",
        "MCP_DEBUG_MODE": "perhaps",
        "MCP_ENABLE_WRITES": "2",
        "MCP_AUTH_MODE": "basic",
        "MCP_RATE_LIMIT_PER_MINUTE": "-1",
        "MCP_MAX_CONCURRENCY": "0",
        "MCP_MAX_QUEUE": "1.5",
        "MCP_TOOL_TIMEOUT_SECONDS": "nan",
        "MCP_MAX_BODY_BYTES": "1e3x",
        "MCP_SHUTDOWN_GRACE_SECONDS": "-1",
        "MCP_API_BASE_URL": "ftp://records.example",
        "MCP_RETRY_ATTEMPTS": "0",
        "MCP_BREAKER_RESET_SECONDS": "soon",
    }
    lines = problems(launcher, **wrong)
    assert "MCP_SERVER_PORT=abc: expected an integer from 0 to 65535" in lines
    assert sorted(re.findall(r"^(\w+)=(.*?): \S", "\n".join(lines), re.MULTILINE)) == sorted(wrong.items())
    assert len(lines) == len(wrong)


def test_the_world_is_not_served_unauthenticated(launcher: Launcher) -> None:
    (line,) = problems(launcher, MCP_SERVER_HOST="0.0.0.0")  # noqa: S104 - must be refused
    assert "MCP_ALLOW_UNAUTHENTICATED" in line


def test_settings_that_do_not_fit_together_are_refused(launcher: Launcher) -> None:
    lines = problems(
        launcher,
        MCP_AUTH_MODE="jwt",
        MCP_SERVER_HOST="0.0.0.0",  # noqa: S104 - must be refused without a public URL
        MCP_RATE_LIMIT_PER_MINUTE=60,
        MCP_RATE_LIMIT_BURST=0,
        MCP_TOOLS_ENABLED="process_text,proces_text",
        MCP_TOOLS_DISABLED="rm_rf",
    )
    names = [
        "MCP_AUTH_ISSUER",
        "MCP_AUTH_JWKS_URL",
        "MCP_PUBLIC_URL",
        "MCP_RATE_LIMIT_BURST",
        "MCP_TOOLS_DISABLED",
        "MCP_TOOLS_ENABLED",
    ]
    assert sorted(re.findall(r"^(MCP_\w+)=", "\n".join(lines), re.MULTILINE)) == names
    assert len(lines) == len(names)


def test_a_secret_and_a_service_link_are_told_without_their_values(launcher: Launcher, tmp_path: Path) -> None:
    lines = problems(
        launcher,
        MCP_SERVER_PORT="tcp://10.96.0.17:8000",
        MCP_STATE_URL="postgres://user:hunter2@db/0",
        MCP_API_KEY_FILE=tmp_path / "missing",
    )
    assert (
        "MCP_SERVER_PORT=tcp://10.96.0.17:8000: this looks like a Kubernetes service link; "
        "set enableServiceLinks: false or rename the Service"
    ) in lines
    assert any(line.startswith("MCP_STATE_URL: ") for line in lines), lines
    assert any(line.startswith("MCP_API_KEY") for line in lines), lines
    assert "hunter2" not in "\n".join(lines)
    assert len(lines) == 3


def test_a_port_in_use_ends_the_start_with_1_and_one_clear_line(launcher: Launcher) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = launcher.run(MCP_TRANSPORT="http", MCP_SERVER_PORT=port)
    assert done.returncode == 1, done.stderr
    assert not TRACE.search(done.stderr), done.stderr
    assert str(port) in done.stderr


def test_defaults(speak: Speak, launcher: Launcher) -> None:
    stdio = speak()
    document = stdio.settings()
    assert set(document) == {"name", "version", "capabilities", "settings"}
    assert document["capabilities"] == ["prompts", "resources", "tools"]
    settings = document["settings"]
    assert {name: settings.get(name, "absent") for name in DEFAULTS} == DEFAULTS
    assert settings["MCP_SERVER_NAME"] == document["name"]
    assert settings.get("MCP_STATE_URL", "memory://") == "memory://"
    assert {"127.0.0.1", "localhost"} <= set(settings["MCP_ALLOWED_HOSTS"])
    own = {"MCP_SERVER_NAME", "MCP_ALLOWED_HOSTS", "MCP_ALLOWED_ORIGINS", "MCP_TOOLS_ENABLED", "MCP_STATE_URL"}
    assert set(settings) - set(DEFAULTS) <= own
    assert own - {"MCP_STATE_URL"} <= set(settings)
    assert not stdio.process.log.find("settings.unknown_variable")
    version = launcher.run("--version")
    assert (version.returncode, version.stdout) == (0, f"{document['name']} {document['version']}\n")


def test_unknown_variables_are_warned_of_and_levels_and_formats_obeyed(speak: Speak) -> None:
    stdio = speak(
        MCP_LOG_LEVEL="WARNING",
        MCP_LOG_FORMAT="console",
        MCP_RATE_LIMT_BURST="1",
        MCP_TIMEOUT="1",
        MCP_TOOL_TIMEOUT="1",
        MCP_RECORDS_SERVICE_HOST="10.0.0.1",
        MCP_RECORDS_PORT_80_TCP="tcp://10.0.0.1:80",
        PATHOLOGICAL="1",
    )
    assert stdio.call("process_text", {"text": "x"}).output["result"] == "x"
    stdio.close()
    assert stdio.process.wait() == 0
    log = stdio.process.log
    assert not log.events, "console lines are for people"
    (line,) = (line for line in log.lines if "settings.unknown_variable" in line)
    assert "MCP_RATE_LIMT_BURST" in line
    assert "MCP_RATE_LIMIT_BURST" in line
    assert "tool.completed" not in log.text
    assert "server.started" not in log.text


def test_secrets_are_read_again_when_their_file_changes_and_told_to_nobody(
    serve: Serve, connect: Connect, records: Records, tmp_path: Path
) -> None:
    file = tmp_path / "key"
    file.write_text("\ufefffirst-canary\r\n", encoding="utf-8")
    server = serve(MCP_API_BASE_URL=records.url, MCP_API_KEY_FILE=file, MCP_RATE_LIMT_BURST=1)
    wire = connect(server)

    def sent() -> str:
        reply = wire.call("lookup_record", {"record_id": "secret-file"})
        assert reply.status == 200
        tries = [request for request in records.requests if "secret-file" in request.path]
        return tries[-1].headers["authorization"]

    assert sent() == "Bearer first-canary"
    file.write_text("second-and-longer-canary\n", encoding="utf-8")
    until(lambda: sent() == "Bearer second-and-longer-canary", "the new secret is used")
    reads = server.log.find("audit.secret_read", name="MCP_API_KEY")
    assert len(reads) == 2

    settings = wire.settings()["settings"]
    assert settings["MCP_API_BASE_URL"].rstrip("/") == records.url
    assert "MCP_API_KEY" not in settings
    assert "canary" not in wire.read("config://server-settings").text
    assert "canary" not in server.log.text
    warning = server.log.find("settings.unknown_variable")[0]
    assert (warning["variable"], warning["suggestion"]) == ("MCP_RATE_LIMT_BURST", "MCP_RATE_LIMIT_BURST")
    assert warning["level"] == "WARNING"


def test_tools_are_enabled_and_disabled_by_name(serve: Serve, connect: Connect, records: Records) -> None:
    wire = connect(
        serve(
            MCP_API_BASE_URL=records.url,
            MCP_TOOLS_ENABLED="process_text, start_operation,lookup_record",
            MCP_TOOLS_DISABLED="lookup_record",
        )
    )
    assert set(wire.tools()) == {"process_text"}, "a write must not be listed without MCP_ENABLE_WRITES"
    for tool in ("start_operation", "lookup_record"):
        error = wire.call(tool, {}).error
        assert (error["code"], error["message"]) == (-32602, "Unknown tool")
    settings = wire.settings()["settings"]
    assert settings["MCP_TOOLS_ENABLED"] == ["process_text", "start_operation", "lookup_record"]
