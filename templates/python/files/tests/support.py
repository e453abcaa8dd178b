"""What the suites share: the server as a process, an issuer of tokens, requests on the wire."""

import json
import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NAME: str = PROJECT["name"]
PACKAGE = NAME.replace("-", "_")
MODERN, LEGACY = "2026-07-28", "2025-11-25"
ERAS = {MODERN: "auto", LEGACY: "legacy"}
"""Protocol version to the official client's mode that ends up with it."""


def request(method: str, era: str = MODERN, **params: Any) -> tuple[dict[str, str], bytes]:
    """Return the headers and the body of a JSON-RPC request over HTTP."""
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": era,
    }
    if era == MODERN:
        headers["Mcp-Method"] = method
        if name := params.get("name") or params.get("uri"):
            headers["Mcp-Name"] = name
        params["_meta"] = {
            "io.modelcontextprotocol/protocolVersion": era,
            "io.modelcontextprotocol/clientInfo": {"name": "tests", "version": "0"},
            "io.modelcontextprotocol/clientCapabilities": {},
        } | params.get("_meta", {})
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return headers, json.dumps(message).encode()


def answer(body: str) -> dict[str, Any]:
    """Return the response in an HTTP body: JSON, or the last event of a stream."""
    events = [line[5:] for line in body.split("\n") if line.startswith("data:")]
    found: dict[str, Any] = json.loads(events[-1] if events else body)
    return found


class Issuer:
    """An authorization server reduced to its key: it writes the JWKS file and signs tokens."""

    url = "https://issuer.example.com/"
    audience = "https://mcp.example.com/mcp"

    def __init__(self, folder: Path) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.jwks = folder / "jwks.json"
        public = RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        key = {**public, "kid": "key-1", "use": "sig", "alg": "RS256"}
        self.jwks.write_text(json.dumps({"keys": [key]}), encoding="utf-8")

    def settings(self) -> dict[str, str]:
        """Return the settings of a server that trusts this issuer."""
        return {
            "MCP_AUTH_MODE": "jwt",
            "MCP_AUTH_ISSUER": self.url,
            "MCP_AUTH_AUDIENCE": self.audience,
            "MCP_AUTH_JWKS_FILE": str(self.jwks),
        }

    def claims(self, *scopes: str, **changed: Any) -> dict[str, Any]:
        """Return the claims of a valid token; a claim changed to None is left out."""
        claims = {
            "iss": self.url,
            "aud": self.audience,
            "sub": "alice",
            "scope": " ".join(scopes),
            "exp": int(time.time()) + 600,
        } | changed
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, *scopes: str, **changed: Any) -> str:
        """Return a valid token with these scopes."""
        claims = self.claims(*scopes, **changed)
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": "key-1"})


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment with these settings and no others."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MCP_")}
    return inherited | dict(settings)


@dataclass
class Server:
    """A server process on HTTP."""

    process: subprocess.Popen[bytes]
    log: Path
    url: str = ""

    def events(self) -> list[dict[str, Any]]:
        """Return the lines that it has logged so far; a line of another form fails the test."""
        text = self.log.read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def stop(self) -> int:
        """Ask it to stop and return its exit status."""
        self.process.terminate()
        return self.process.wait(timeout=30)


@contextmanager
def http_server(log: Path, *flags: str, **settings: str) -> Iterator[Server]:
    """Run the server on a port of the system's choice; `flags` stand before `-m`."""
    settings = {"MCP_TRANSPORT": "http", "MCP_SERVER_PORT": "0"} | settings
    command = [sys.executable, *flags, "-m", f"{PACKAGE}.main"]
    with (
        log.open("wb") as stderr,
        subprocess.Popen(command, cwd=ROOT, env=environment(settings), stderr=stderr) as process,
    ):
        server = Server(process, log)
        try:
            server.url = wait_for_url(server)
            yield server
        finally:
            process.kill()


def wait_for_url(server: Server) -> str:
    """Return where the server listens, as it logs it."""
    deadline = time.monotonic() + 30
    while server.process.poll() is None and time.monotonic() < deadline:
        for event in server.events():
            if event["event"] == "server.started":
                return f"http://127.0.0.1:{event['port']}"
        time.sleep(0.02)
    raise AssertionError(f"the server did not start: {server.log.read_text(encoding='utf-8')}")
