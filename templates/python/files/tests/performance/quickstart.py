"""The SDK's quick start as it stands in its documentation: a server with one tool, nothing else."""

import json
import os
import socket
import sys

import uvicorn
from mcp.server import MCPServer

server = MCPServer("quickstart", log_level="ERROR")


@server.tool()
def echo(text: str) -> dict[str, str]:
    """Say what was said."""
    return {"said": text}


if __name__ == "__main__":
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", int(os.environ.get("MCP_SERVER_PORT", "0"))))
        listening.listen(2048)
        started = {"event": "server.started", "port": listening.getsockname()[1]}
        print(json.dumps(started), file=sys.stderr, flush=True)
        app = server.streamable_http_app(stateless_http=True)
        config = uvicorn.Config(app, log_level="error", access_log=False)
        uvicorn.Server(config).run([listening])
