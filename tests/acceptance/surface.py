"""What an operator or a client can see of a server, as JSON; two servers under one standard differ in nothing.

surface.py record --command 'PROGRAM ARGUMENTS' --project DIR [--cwd DIR]    prints the surface
surface.py compare ONE.json OTHER.json                                       exit code 1 and one line a difference
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kit.contracts import on_the_wire
from kit.metrics import Metrics
from kit.process import Launcher
from kit.samples import API_KEY, ORIGIN
from kit.stdio import Stdio
from kit.stub import Answer, Records
from kit.tokens import Issuer
from kit.wire import ERAS, LEGACY, Reply, Wire, envelope, request_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from kit.process import HttpServer

JSON = dict[str, Any]
HEADERS = ("allow", "retry-after", "www-authenticate", "access-control-allow-origin", "content-type")
OWN_METRICS = ("mcp_", "process_cpu_seconds", "process_resident_memory")
LABEL_TEXT: dict[str, Callable[[str], str]] = {"le": lambda value: str(float(value))}
CALLS: list[tuple[str, Any]] = [
    ("process_text", {"text": " Stra\u00dfe ", "options": {"uppercase": True}}),
    ("process_text", {}),
    ("process_text", {"text": 3, "options": {"trim": "x"}, "other": 1}),
    ("process_text", []),
    ("process_text", {"text": "a\ud800"}),
    ("lookup_record", {"record_id": "known"}),
    ("lookup_record", {"record_id": "gone"}),
    ("lookup_record", {"record_id": "broken"}),
    ("lookup_record", {"record_id": "../x"}),
    ("start_operation", {"steps": 1, "step_milliseconds": 0}),
    ("start_operation", {"steps": 101, "step_milliseconds": -1, "idempotency_key": ""}),
    ("check_operation_status", {"operation_id": "x" * 16}),
    ("cancel_operation", {"operation_id": "short"}),
    ("no_such_tool", {}),
]
OTHERS: list[tuple[str, JSON]] = [
    ("server/discover", {}),
    ("ping", {}),
    ("resources/read", {"uri": "config://nowhere"}),
    ("prompts/get", {"name": "nobody"}),
    ("prompts/get", {"name": "summarize_text"}),
    ("prompts/get", {"name": "summarize_text", "arguments": {"text": "x"}}),
    ("no/such/method", {}),
]


def steady(value: Any) -> Any:
    """Replace what differs from run to run, and drop what says the same by its absence."""
    if isinstance(value, dict):
        absent = {"isError", "listChanged", "subscribe"}
        kept = {key: node for key, node in value.items() if key != "_meta" and not (key in absent and node is False)}
        return {key: steady(node) for key, node in kept.items()}
    if isinstance(value, list):
        return [steady(node) for node in value]
    if not isinstance(value, str):
        return value
    if value.startswith("{"):
        return steady(json.loads(value))
    value = re.sub(r"kit-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", value)
    value = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*(Z|\+00:00)", "TIME", value)
    value = re.sub(r"^[A-Za-z0-9_-]{20,64}$|(?<=operation://)[A-Za-z0-9_-]{20,64}$", "OPERATION", value)
    return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", value)


def reply_of(reply: Reply) -> JSON:
    headers = {name: reply.headers[name].partition(";")[0] for name in HEADERS if name in reply.headers}
    body = [{key: value for key, value in message.items() if key != "id"} for message in reply.messages]
    codes = [message["error"]["code"] for message in body if "error" in message]
    if codes and codes[0] <= -32000:
        # The SDKs word their own errors and choose a status for some; the codes are the protocol's.
        return {"codes": codes} | ({"status": reply.status} if codes[0] in (-32700, -32600) else {})
    if reply.status == 200 and reply.messages:
        # A stream or one JSON document: a client of the older era takes both, an SDK chooses.
        headers.pop("content-type")
    return {"status": reply.status, "headers": headers, "body": steady(body)}


def replies(wire: Wire, denied: Wire) -> JSON:
    """Record answers and refusals by what was asked."""
    found: JSON = {}
    for tool, arguments in CALLS:
        found[f"tools/call {tool} {json.dumps(arguments)}"] = reply_of(
            wire.call(tool, arguments, x_request_id=request_id())
        )
    for method, params in OTHERS:
        found[f"{method} {json.dumps(params)}"] = reply_of(wire.rpc(method, params, x_request_id=request_id()))
    plain = envelope("tools/list", None, wire.era)
    raw = {
        "malformed": wire.send("POST", "/mcp", wire.headers(plain), b"{"),
        "batch": wire.send("POST", "/mcp", wire.headers(plain), b"[]"),
        "too large": wire.send("POST", "/mcp", wire.headers(plain), b" " * 1_100_000),
        "GET": wire.send("GET", "/mcp", wire.headers(plain)),
        "content type": wire.rpc("tools/list", content_type="text/plain"),
        "host": wire.rpc("tools/list", host="evil.example"),
        "origin": wire.rpc("tools/list", origin="https://evil.example"),
        "allowed origin, wrong type": wire.rpc("tools/list", origin=ORIGIN, content_type="text/plain"),
        "no token": denied.rpc("tools/list", authorization=None),
        "bad token": denied.rpc("tools/list", authorization="Bearer x"),
        "scope": denied.call("process_text", {"text": "x"}),
    }
    return found | {name: reply_of(reply) for name, reply in raw.items()}


def lists(wire: Wire) -> JSON:
    def of(method: str, key: str, kind: str) -> list[Any]:
        return [on_the_wire(kind, entry) for entry in wire.rpc(method).result[key]]

    return {
        "tools": of("tools/list", "tools", "tools"),
        "resources": of("resources/list", "resources", "resources"),
        "templates": of("resources/templates/list", "resourceTemplates", "resources"),
        "prompts": of("prompts/list", "prompts", "prompts"),
    }


def metrics(*wires: Wire) -> JSON:
    """Record metric families with their type, labels, and the values of the labels that say what happened."""
    found: dict[str, JSON] = {}
    for wire in wires:
        text = Metrics.parse(wire.get("/metrics").text)
        for name, kind in text.types.items():
            if name.startswith(OWN_METRICS) and not name.endswith("_created"):
                family = name.removesuffix("_total")
                entry = found.setdefault(family, {"type": kind})
                for sample, labels in text.samples:
                    if sample.startswith(family):
                        for label, value in labels:
                            entry.setdefault(label, set()).add(LABEL_TEXT.get(label, str)(value))
    return {family: {key: sorted(value) if isinstance(value, set) else value for key, value in entry.items()}
            for family, entry in found.items()}  # fmt: skip


def logs(*servers: HttpServer) -> JSON:
    """Record the fields that each event of the standard ever has; null does not count."""
    found: dict[str, set[str]] = {}
    for server in servers:
        for line in server.log.events:
            if line["event"].startswith(("server.", "tool.", "audit.", "settings.", "contract.")):
                kinds = (f"{key}: {kind_of(value)}" for key, value in line.items() if value is not None)
                found.setdefault(line["event"], set()).update(kinds)
    return {event: sorted(fields) for event, fields in found.items()}


def kind_of(value: Any) -> str:
    kinds = {bool: "boolean", int: "number", float: "number", str: "string", list: "array", dict: "object"}
    return kinds[type(value)]


def make_targets(project: Path) -> list[str]:
    done = subprocess.run(["make", "-s", "help"], cwd=project, capture_output=True, text=True, check=True)
    return sorted(re.findall(r"^\s*([a-z][a-z0-9-]*)\s{2,}\S", done.stdout, re.MULTILINE))


def on_stdio(launcher: Launcher) -> JSON:
    found: JSON = {}
    for era in ERAS:
        with Stdio(launcher.stdio(MCP_RATE_LIMIT_PER_MINUTE=1, MCP_RATE_LIMIT_BURST=2), era) as stdio:
            for arguments in ({"text": "x"}, {}, {"text": "limited"}):
                found[f"{era} {json.dumps(arguments)}"] = steady(stdio.call("process_text", arguments).result)
            if era == LEGACY:
                continue
            found["settings"] = steady(stdio.read("config://server-settings").result)
    return found


def wrong_settings(launcher: Launcher) -> list[str]:
    wrong = {"MCP_SERVER_PORT": "abc", "MCP_TRANSPORT": "x", "MCP_AUTH_MODE": "x", "MCP_STATE_URL": "x",
             "MCP_MAX_QUEUE": "-1", "MCP_DEBUG_MODE": "x", "MCP_API_BASE_URL": "x"}  # fmt: skip
    done = launcher.run(**wrong)
    return [str(done.returncode), *sorted(done.stderr.splitlines())]


def record(launcher: Launcher, project: Path) -> JSON:
    issuer = Issuer("https://mcp.example/mcp")
    with Records() as records, tempfile.TemporaryDirectory() as folder:
        records.script("known", Answer(body={"name": "Zo\u00eb"}))
        records.script("gone", Answer(404, {}))
        records.script("broken", Answer(500, {}))
        keys = Path(folder, "jwks.json")
        keys.write_text(json.dumps(issuer.jwks()), encoding="utf-8")
        settings = {"MCP_API_BASE_URL": records.url, "MCP_API_KEY": API_KEY, "MCP_ENABLE_WRITES": True,
                    "MCP_ALLOWED_ORIGINS": ORIGIN, "MCP_NONSENSE": "1"}  # fmt: skip
        guard = {"MCP_AUTH_MODE": "jwt", "MCP_AUTH_ISSUER": issuer.issuer, "MCP_AUTH_JWKS_FILE": keys,
                 "MCP_PUBLIC_URL": "https://mcp.example", "MCP_ALLOWED_HOSTS": "127.0.0.1"}  # fmt: skip
        servers = [launcher.http(**settings), launcher.http(**settings, **guard)]
        wires = [Wire(server.url, era=era, token=token)
                 for era in ERAS for server, token in zip(servers, (None, issuer.mint()), strict=True)]  # fmt: skip
        try:
            open_, guarded = wires[:2]
            found = {
                "lists": {wire.era: lists(wire) for wire in wires[::2]},
                "replies": {era: replies(*wires[at : at + 2]) for era, at in zip(ERAS, (0, 2), strict=True)},
                "probes": {path: steady(open_.get(path).json) for path in ("/live", "/ready", "/health")},
                "metadata": guarded.get("/.well-known/oauth-protected-resource/mcp").json,
                "metrics": metrics(open_, guarded),
            }
        finally:
            for wire in wires:
                wire.close()
            for server in servers:
                server.stop()
        found["logs"] = logs(*servers)
    found["stdio"] = on_stdio(launcher)
    found["wrong settings"] = wrong_settings(launcher)
    found["make targets"] = make_targets(project)
    return found


def differences(one: Any, other: Any, path: str = "") -> list[str]:
    """Name each place where two surfaces differ, with both values."""
    if isinstance(one, dict) and isinstance(other, dict):
        missing = object()
        lines: list[str] = []
        for key in sorted({**one, **other}):
            left, right = one.get(key, missing), other.get(key, missing)
            if left is missing or right is missing:
                lines.append(f"{path}/{key}: only in the {'other' if left is missing else 'first'}")
            else:
                lines += differences(left, right, f"{path}/{key}")
        return lines
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [
            line for at, pair in enumerate(zip(one, other, strict=True)) for line in differences(*pair, f"{path}/{at}")
        ]
    if isinstance(one, list) and isinstance(other, list):
        texts, others = ([json.dumps(item, sort_keys=True) for item in items] for items in (one, other))
        only = [f"{path}: only in the first: {text}" for text in texts if text not in others]
        return only + [f"{path}: only in the other: {text}" for text in others if text not in texts]
    return [] if one == other else [f"{path}: {json.dumps(one)} != {json.dumps(other)}"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="action", required=True)
    recorder = commands.add_parser("record")
    recorder.add_argument("--command", required=True)
    recorder.add_argument("--project", required=True, type=Path)
    recorder.add_argument("--cwd", type=Path, default=Path("/"))
    comparer = commands.add_parser("compare")
    comparer.add_argument("surfaces", nargs=2, type=Path)
    options = parser.parse_args()
    if options.action == "record":
        surface = record(Launcher(shlex.split(options.command), options.cwd), options.project)
        print(json.dumps(surface, indent=1, sort_keys=True, ensure_ascii=False))
        return 0
    found = differences(*(json.loads(path.read_text(encoding="utf-8")) for path in options.surfaces))
    print("\n".join(found) or "no difference")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
