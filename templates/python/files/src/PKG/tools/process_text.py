"""process_text: pure business logic."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AwareDatetime, Field

from ..chassis.declarations import Annotations, tool
from ..chassis.schemas import Input, NotBlank, Output
from ..chassis.text import strip, words
from .tools import ToolContext

Length = Annotated[int, Field(ge=0)]


class ProcessTextOptions(Input):
    uppercase: bool = Field(default=False, description="Convert to upper case.")
    trim: bool = Field(default=True, description="Remove white space at both ends.")


class ProcessTextInput(Input):
    text: Annotated[str, NotBlank] = Field(
        min_length=1, max_length=1000, description="Text to process; not blank."
    )
    options: ProcessTextOptions = Field(
        default_factory=ProcessTextOptions, description="How to process the text."
    )


class TextMetadata(Output):
    processed_at: AwareDatetime = Field(description="When it was processed: RFC 3339, UTC.")
    input_length: Length = Field(description="Unicode code points in the text.")
    output_length: Length = Field(description="Unicode code points in the result.")
    word_count: Length = Field(description="Words in the result, separated by white space.")


class ProcessTextOutput(Output):
    result: str = Field(description="The processed text.")
    metadata: TextMetadata = Field(description="Facts about the processing.")


@tool(title="Process text", scope="text:read", annotations=Annotations(read_only=True))
async def process_text(request: ProcessTextInput, _: ToolContext) -> ProcessTextOutput:
    """Trim a text, optionally convert it to upper case, and count its characters and words."""
    result = strip(request.text) if request.options.trim else request.text
    if request.options.uppercase:
        result = result.upper()
    return ProcessTextOutput(
        result=result,
        metadata=TextMetadata(
            processed_at=datetime.now(UTC),
            input_length=len(request.text),
            output_length=len(result),
            word_count=len(words(result)),
        ),
    )
