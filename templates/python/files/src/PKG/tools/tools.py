"""Business logic of the tools, free of MCP.

A tool is an async function of its validated input and a `ToolContext`; it returns its output
model or raises `AppError`. What else it raises reaches the client as `internal`, without its text.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import anyio
from pydantic import ValidationError

from .. import __version__
from ..errors import AppError, dependency_unavailable
from ..schemas import strip, words
from .models import (
    TERMINAL,
    CancelOperationInput,
    CancelOperationOutput,
    CheckOperationInput,
    CheckOperationOutput,
    LookupRecordInput,
    LookupRecordOutput,
    ProcessTextInput,
    ProcessTextOutput,
    StartOperationInput,
    StartOperationOutput,
    TextMetadata,
)

if TYPE_CHECKING:
    from ..operations import Operations
    from ..records import RecordsApi
    from ..settings import Settings

_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a tool may use: who calls, the services behind the server, a way to report progress."""

    subject: str
    settings: "Settings"
    operations: "Operations"
    records: "RecordsApi | None"
    report_progress: Callable[[float], Awaitable[None]]
    """Tells the client the share (0-1) that is done; does nothing if it did not ask."""


async def process_text(request: ProcessTextInput, _: ToolContext) -> ProcessTextOutput:
    """Trim, optionally convert to upper case, and count."""
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


async def lookup_record(request: LookupRecordInput, context: ToolContext) -> LookupRecordOutput:
    """Fetch a record from the external service."""
    if context.records is None:
        raise dependency_unavailable("external_api")
    record = await context.records.fetch(request.record_id)
    return LookupRecordOutput(
        record_id=request.record_id, record=record, fetched_at=datetime.now(UTC)
    )


async def start_operation(
    request: StartOperationInput, context: ToolContext
) -> StartOperationOutput:
    """Start an operation in the background, or find the one that the key already started."""
    operation = await context.operations.start(
        context.subject,
        steps=request.steps,
        step_seconds=request.step_milliseconds / 1000,
        idempotency_key=request.idempotency_key or None,
    )
    return StartOperationOutput(
        operation_id=operation.id,
        status=operation.status,
        status_uri=f"operation://{operation.id}",
    )


async def check_operation_status(
    request: CheckOperationInput, context: ToolContext
) -> CheckOperationOutput:
    """Report an operation, waiting up to `wait_seconds` for its status to change."""
    deadline = time.monotonic() + request.wait_seconds
    operation = await context.operations.get(context.subject, request.operation_id)
    first, reported = operation.status, -1.0
    while operation.status == first and first not in TERMINAL:
        if operation.progress > reported:
            reported = operation.progress
            await context.report_progress(reported)
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            break
        await anyio.sleep(min(_POLL_SECONDS, remaining))
        operation = await context.operations.get(context.subject, request.operation_id)
    return CheckOperationOutput(
        operation_id=operation.id,
        status=operation.status,
        progress=operation.progress,
        result=operation.result,
    )


async def cancel_operation(
    request: CancelOperationInput, context: ToolContext
) -> CancelOperationOutput:
    """Cancel a running operation; cancelling it again changes nothing."""
    operation = await context.operations.cancel(context.subject, request.operation_id)
    if operation.status != "cancelled":
        raise AppError("state_conflict", f"operation_id: already {operation.status}")
    return CancelOperationOutput(operation_id=operation.id, status=operation.status)


async def read_server_settings(_: Mapping[str, str], context: ToolContext) -> dict[str, Any]:
    """Return the effective settings."""
    return {
        "name": context.settings.server_name,
        "version": __version__,
        "capabilities": ["prompts", "resources", "tools"],
        "settings": context.settings.public_view(),
    }


async def read_operation(variables: Mapping[str, str], context: ToolContext) -> dict[str, Any]:
    """Return what check_operation_status says."""
    try:
        request = CheckOperationInput(operation_id=variables["operation_id"])
    except ValidationError:
        raise AppError("operation_not_found") from None
    status = await check_operation_status(request, context)
    return status.model_dump(mode="json", exclude_none=True)
