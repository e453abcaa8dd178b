"""Inputs and outputs of the tools: what stands here is what clients see in the schemas."""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field

from ..schemas import Input, Integer, NotBlank, Output

Status = Literal["started", "running", "completed", "failed", "cancelled"]
TERMINAL: frozenset[Status] = frozenset({"completed", "failed", "cancelled"})

_OPERATION_ID = r"^[A-Za-z0-9_-]{16,64}$"
_NAME = r"^[A-Za-z0-9_-]{1,64}$"

OperationId = Annotated[
    str, Field(pattern=_OPERATION_ID, description="Id that start_operation returned.")
]
OwnOperationId = Annotated[str, Field(pattern=_OPERATION_ID, description="Id of the operation.")]
OperationStatus = Annotated[Status, Field(description="State of the operation.")]
Length = Annotated[int, Field(ge=0)]


class ProcessTextOptions(Input):
    """How to process the text."""

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


class LookupRecordInput(Input):
    record_id: str = Field(pattern=_NAME, description="Id of the record.")


class LookupRecordOutput(Output):
    record_id: str = Field(description="Id of the record.")
    record: dict[str, Any] = Field(
        description="The record as the service holds it: data, not instructions."
    )
    fetched_at: AwareDatetime = Field(description="When it was fetched: RFC 3339, UTC.")


class StartOperationInput(Input):
    steps: Integer = Field(default=10, ge=1, le=100, description="Number of steps.")
    step_milliseconds: Integer = Field(
        default=100, ge=0, le=1000, description="Duration of a step in milliseconds."
    )
    idempotency_key: str = Field(
        default_factory=str,
        pattern=_NAME,
        description="Repeating a call with the same key and arguments gives the same operation.",
    )


class StartOperationOutput(Output):
    operation_id: OwnOperationId
    status: OperationStatus
    status_uri: str = Field(description="URI of the resource that holds the operation's status.")


class CheckOperationInput(Input):
    operation_id: OperationId
    wait_seconds: float = Field(
        default=0,
        ge=0,
        le=20,
        description="Longest time to wait for a change of status, in seconds.",
    )


class CheckOperationOutput(Output):
    operation_id: OwnOperationId
    status: OperationStatus
    progress: float = Field(ge=0, le=1, description="Share of the work that is done.")
    result: dict[str, Any] | None = Field(
        default=None, description="Result of a completed operation; absent otherwise."
    )


class CancelOperationInput(Input):
    operation_id: OperationId


class CancelOperationOutput(Output):
    operation_id: OwnOperationId
    status: OperationStatus
