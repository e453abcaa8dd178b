"""Section 3: every kind of setting has one reading, and what is refused tells no secret."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Speak
    from kit.process import Launcher

SECRET = "hunter2"
BOM = "\ufeff"
ACCEPTED: dict[str, dict[str, Any]] = {
    "MCP_LOG_LEVEL": {" WARNING\r": "WARNING", f"{BOM}ERROR{BOM}": "ERROR", " ": "INFO", BOM: "INFO"},
    "MCP_SERVER_NAME": {"\tmy name\n": "my name"},
    "MCP_SERVER_PORT": {" 8001 ": 8001, "08002": 8002, "8003\r\n": 8003, "": 8000},
    "MCP_MAX_QUEUE": {f"{BOM}10": 10, "0": 0, " \t": 256},
    "MCP_API_TIMEOUT_SECONDS": {"2.50": 2.5, " 3 ": 3, "0.1": 0.1, "": 5},
    "MCP_DEBUG_MODE": {"TRUE": True, "True ": True, "1": True, "": False},
    "MCP_ENABLE_WRITES": {"FALSE": False, "False\r": False, "0": False, "true": True},
    "MCP_TOOLS_DISABLED": {" , process_text ,,": ["process_text"], ",": [], " process_text\r": ["process_text"]},
    "MCP_TRUSTED_PROXIES": {" 10.0.0.0/8 ,, 192.168.0.0/16\n": ["10.0.0.0/8", "192.168.0.0/16"]},
    "MCP_PUBLIC_URL": {" https://h.example/team\r\n": "https://h.example/team"},
    "MCP_API_BASE_URL": {f"{BOM}http://127.0.0.1:9/base ": "http://127.0.0.1:9/base", " ": None},
    "mcp_rate_limit_burst": {"7": None},
}
"""What each spelling means; names are exact, so the last one is no setting."""

INTEGERS = ("1_000", "8000.0", "+5", "1e3", "\u0663", "0x10", "-1", "1 0", "1,000")
SECONDS = ("1_0.5", "5.", ".5", "1e1", "+1", "nan", "inf", "-1", "1,5", "\u0663")
HTTP_URLS = (
    f"ftp://svc:{SECRET}@h.example",
    f"//svc:{SECRET}@h.example",
    "h.example",
    "http://",
    f"http://[::1/{SECRET}",
    f"http://h.example:no{SECRET}/",
    f"http://svc:{SECRET}@h.example/",
    f"http://svc:{SECRET}/x@h.example/",
    f"https://h.example/?key={SECRET}",
    f"https://h.example/#{SECRET}",
)
REFUSED: dict[str, tuple[str, ...]] = {
    "MCP_MAX_QUEUE": INTEGERS,
    "MCP_RATE_LIMIT_PER_MINUTE": INTEGERS,
    "MCP_API_TIMEOUT_SECONDS": SECONDS,
    "MCP_DEBUG_MODE": ("maybe", "2", "truee", "-1"),
    "MCP_TRUSTED_PROXIES": ("10.0.0.0/33", "10.0.0", "h.example", "10.0.0.0/8;10.1.0.0/16"),
    "MCP_PUBLIC_URL": HTTP_URLS,
    "MCP_API_BASE_URL": HTTP_URLS,
    "MCP_AUTH_JWKS_URL": HTTP_URLS[:6],
    "MCP_STATE_URL": (
        f"redis://:{SECRET}@h.example:notaport",
        f"redis://:{SECRET}@h.example:99999",
        f"postgres://u:{SECRET}@h.example",
        f"redis:{SECRET}",
        SECRET,
    ),
    "MCP_API_KEY": (f"{SECRET}\nx", f"{SECRET}\u00fc", f"{SECRET} x", f"{SECRET}\x7f", f"\u200b{SECRET}"),
}


def columns(table: dict[str, Any]) -> list[dict[str, Any]]:
    """The first spelling of each setting, the second of each that has one, …: one start checks a whole column."""
    rows = [[(name, spelling) for spelling in spellings] for name, spellings in table.items()]
    return [dict(filter(None, column)) for column in itertools.zip_longest(*rows)]


@pytest.mark.parametrize("column", columns(ACCEPTED), ids=itertools.count())
def test_accepted(speak: Speak, column: dict[str, str]) -> None:
    settings = speak(**column).settings()["settings"]
    for name, spelling in column.items():
        assert settings.get(name) == ACCEPTED[name][spelling], (name, spelling)
    assert settings["MCP_RATE_LIMIT_BURST"] == 60


@pytest.mark.parametrize("column", columns(REFUSED), ids=itertools.count())
def test_refused(launcher: Launcher, column: dict[str, str]) -> None:
    jwt = {"MCP_AUTH_MODE": "jwt", "MCP_AUTH_ISSUER": "https://issuer.example"} if "MCP_AUTH_JWKS_URL" in column else {}
    done = launcher.run(MCP_TRANSPORT="http", **jwt, **column)
    assert done.returncode == 2, done.stderr
    lines = done.stderr.splitlines()
    assert SECRET not in done.stderr
    assert sorted(re.match(r"(\w+)(?==|: )", line)[1] for line in lines) == sorted(column), done.stderr


def test_a_secret_file_is_text_that_fits_a_header(launcher: Launcher, tmp_path: Path) -> None:
    file = tmp_path / "key"
    for content in (b"", b" \r\n", b"\xef\xbb\xbf", b"hunter2\xff", b"hunter2\nhunter2", "hunter2".encode("utf-16")):
        file.write_bytes(content)
        done = launcher.run(MCP_API_KEY_FILE=file)
        assert done.returncode == 2, (content, done.stderr)
        (line,) = done.stderr.splitlines()
        assert line.startswith("MCP_API_KEY"), line
        assert SECRET not in line
