"""The Python SDK's quick start with one tool, as like the sample's process_text as a decorated function is."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated

from mcp.server import MCPServer
from pydantic import BaseModel, Field

mcp = MCPServer("quick-start", log_level="WARNING")


class Options(BaseModel):
    uppercase: bool = False
    trim: bool = True


class Metadata(BaseModel):
    processed_at: datetime
    input_length: int
    output_length: int
    word_count: int


class Processed(BaseModel):
    result: str
    metadata: Metadata


@mcp.tool()
async def process_text(
    text: Annotated[str, Field(min_length=1, max_length=1000)], options: Options | None = None
) -> Processed:
    """Trim a text, optionally convert it to upper case, and count its characters and words."""
    options = options or Options()
    result = text.strip() if options.trim else text
    result = result.upper() if options.uppercase else result
    metadata = Metadata(
        processed_at=datetime.now(UTC),
        input_length=len(text),
        output_length=len(result),
        word_count=len(result.split()),
    )
    return Processed(result=result, metadata=metadata)


mcp.run("streamable-http", port=int(sys.argv[1]))
