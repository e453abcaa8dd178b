"""The official Python client, in both eras of the protocol, over both transports."""

from __future__ import annotations

import os
from typing import Any, Literal

import anyio
from mcp import Client, StdioServerParameters

Era = Literal["auto", "legacy"]


async def _session(target: Any, era: Era) -> tuple[list[str], str]:
    async with Client(target, mode=era) as client:
        tools = await client.list_tools()
        answer = await client.call_tool("process_text", {"text": " Grüße ", "options": {"uppercase": True}})
        assert answer.structured_content is not None, answer
        return [tool.name for tool in tools.tools], str(answer.structured_content["result"])


def list_tools_stdio(
    command: list[str], *, cwd: str, era: Era = "auto", env: dict[str, str] | None = None
) -> list[str]:
    """Start the server, list its tools and call one; the names of the tools."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MCP_")}
    server = StdioServerParameters(command=command[0], args=command[1:], cwd=cwd, env={**kept, **(env or {})})
    return _checked(server, era)


def list_tools_http(url: str, era: Era = "auto") -> list[str]:
    return _checked(url, era)


def _checked(target: Any, era: Era) -> list[str]:
    async def run() -> tuple[list[str], str]:
        with anyio.fail_after(60):
            return await _session(target, era)

    names, result = anyio.run(run)
    assert result == "GRÜSSE"
    return names
