"""What a client does with the server, the same on every transport and in both eras."""

import json

from mcp import Client
from mcp_types import TextContent, TextResourceContents

from tests.support import NAME


async def converse(client: Client, era: str) -> None:
    """Use every tool that needs no other service, the resources and the prompt."""
    assert client.protocol_version == era
    assert client.server_info
    assert client.server_info.name == NAME
    assert client.instructions

    tools = await client.list_tools()
    assert [tool.name for tool in tools.tools] == [
        "process_text",
        "start_operation",
        "check_operation_status",
        "cancel_operation",
    ]

    processed = await client.call_tool("process_text", {"text": " grüße "})
    assert processed.structured_content
    assert processed.structured_content["result"] == "grüße"

    refused = await client.call_tool("process_text", {"text": ""})
    assert refused.is_error
    (content,) = refused.content
    assert isinstance(content, TextContent)
    assert json.loads(content.text)["error"]["code"] == "invalid_argument"

    await follow_an_operation(client)

    settings = await client.read_resource("config://server-settings")
    (contents,) = settings.contents
    assert isinstance(contents, TextResourceContents)
    assert json.loads(contents.text)["name"] == NAME

    prompt = await client.get_prompt("summarize_text", {"text": "the text"})
    (message,) = prompt.messages
    assert isinstance(message.content, TextContent)
    assert message.content.text.endswith("\n\nthe text")


async def follow_an_operation(client: Client) -> None:
    """Start an operation, watch its progress and read its result."""
    steps = {"steps": 3, "step_milliseconds": 150}
    started = await client.call_tool("start_operation", steps)
    assert started.structured_content
    operation_id = started.structured_content["operation_id"]
    seen: list[float] = []

    async def watch(progress: float, total: float | None, message: str | None) -> None:
        assert (total, message) == (1, None)
        seen.append(progress)

    status = "started"
    while status in {"started", "running"}:
        checked = await client.call_tool(
            "check_operation_status",
            {"operation_id": operation_id, "wait_seconds": 5},
            progress_callback=watch,
        )
        assert checked.structured_content
        status = checked.structured_content["status"]
    assert checked.structured_content["result"] == {"steps_completed": 3}
    assert seen == sorted(seen)
    assert seen
