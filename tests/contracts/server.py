"""A server for tests: answers lists from the JSON document in argv[1]; argv[2] says how it misbehaves."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

document = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
mood = sys.argv[2] if len(sys.argv) > 2 else ""
print("to stderr: \x1b[31mnoise", file=sys.stderr, flush=True)
if mood == "crash":
    sys.exit("no database")
if mood == "banner":
    print("Server running on stdio", flush=True)


def say(request_id: Any, **members: Any) -> None:
    print(json.dumps({"jsonrpc": "2.0", "id": request_id, **members}), flush=True)


def listed(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
    """The result of a list, or none where there is no such list."""
    key = {"resources/templates/list": "resourceTemplates"}.get(method, method.removesuffix("/list"))
    if not method.endswith("/list") or key not in document:
        return None
    if mood == "pages":
        page = int(params.get("cursor", 0))
        more = {"nextCursor": str(page + 1)} if page + 1 < len(document[key]) else {"nextCursor": None}
        return {key: document[key][page : page + 1], **more}
    if mood == "loop":
        return {key: document[key], "nextCursor": "again"}
    return {key: document[key]}


for line in sys.stdin:
    request = json.loads(line)
    method = request.get("method", "")
    if mood == "silent":
        time.sleep(60)
    if mood == "noise":
        print("what do you want?", flush=True)
        continue
    if mood == "broken":
        print('{"jsonrpc": "2.0", "id": 1, "result"', flush=True)
        continue
    if mood == "exits" and method == "server/discover":
        sys.exit(1)
    if mood == "mute" and method == "server/discover":
        continue
    if "id" not in request:
        continue
    result = listed(method, request.get("params") or {})
    if method == "initialize":
        info = {"name": "s", "version": "1"}
        result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": info}
        if mood == "ping":
            say("theirs", method="ping")
            assert json.loads(sys.stdin.readline()) == {"jsonrpc": "2.0", "id": "theirs", "result": {}}
    elif method.startswith(("prompts/", "resources/")):
        if mood == "other lists are internal errors":
            say(request["id"], error={"code": -32603, "message": "Internal error"})
            continue
        if mood == "other lists are empty":
            result = {}
        if mood == "other lists are silence":
            continue
    if result is None:
        say(request["id"], error={"code": -32601, "message": "Method not found"})
    else:
        say(request["id"], result=result)
