"""A server for tests: answers lists from the JSON document in argv[1]; argv[2] says how it misbehaves."""

import json
import sys
import time
from pathlib import Path

document = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
mood = sys.argv[2] if len(sys.argv) > 2 else ""
print("to stderr: \x1b[31mnoise", file=sys.stderr, flush=True)
if mood == "crash":
    sys.exit("no database")
for line in sys.stdin:
    request = json.loads(line)
    method = request.get("method", "")
    if mood == "silent":
        time.sleep(60)
    if mood == "exits" and method == "server/discover":
        sys.exit(1)
    if "id" not in request:
        continue
    key = {"resources/templates/list": "resourceTemplates"}.get(method, method.removesuffix("/list"))
    if method == "initialize":
        result = {
            "protocolVersion": "2025-11-25",
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "s", "version": "1"},
        }
    elif method.endswith("/list") and key in document:
        result = {key: document[key]}
    else:
        error = {"code": -32601, "message": "Method not found"}
        print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "error": error}), flush=True)
        continue
    print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}), flush=True)
