"""What a client does with the server, the same on every transport and in both eras."""

import json

from mcp import Client
from mcp_types import TextContent, TextResourceContents

from tests.fixtures.project import NAME


async def converse(client: Client, era: str) -> None:
    """Use tools, a resource and a prompt."""
    assert client.protocol_version == era
    assert client.server_info
    assert client.server_info.name == NAME
    assert client.instructions

    tools = await client.list_tools()
    assert [tool.name for tool in tools.tools] == ["echo", "pause", "fail", "change"]

    said = await client.call_tool("echo", {"text": " grüße ", "options": {"loud": True}})
    assert said.structured_content == {"said": " GRÜSSE "}

    refused = await client.call_tool("echo", {"text": ""})
    assert refused.is_error
    (content,) = refused.content
    assert isinstance(content, TextContent)
    assert json.loads(content.text)["error"]["code"] == "invalid_argument"

    seen: list[float] = []

    async def watch(progress: float, total: float | None, message: str | None) -> None:
        assert (total, message) == (1, None)
        seen.append(progress)

    await client.call_tool("pause", {"seconds": 0.1}, progress_callback=watch)
    assert seen == [0.5]

    started = await client.call_tool("change", {})
    assert started.structured_content
    facts = await client.read_resource("fixture://facts")
    (contents,) = facts.contents
    assert isinstance(contents, TextResourceContents)
    assert json.loads(contents.text)["subject"] in {"alice", "local"}

    prompt = await client.get_prompt("greet", {"name": "Bob"})
    (message,) = prompt.messages
    assert isinstance(message.content, TextContent)
    assert message.content.text == "Greet Bob."
