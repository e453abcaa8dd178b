"""check_operation_status: a call that may wait, and tells progress meanwhile."""

import time
from typing import Any

import anyio
from pydantic import Field

from ..chassis.declarations import Annotations, tool
from ..chassis.schemas import Input, Output
from .tools import (
    NO_OPERATION,
    NO_STATE,
    OperationId,
    OperationStatus,
    OwnOperationId,
    ToolContext,
)

_POLL_SECONDS = 0.1


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


@tool(
    title="Check an operation",
    scope="operations:read",
    annotations=Annotations(read_only=True),
    errors={"operation_not_found": NO_OPERATION, "dependency_unavailable": NO_STATE},
    needs=("enable_writes",),
)
async def check_operation_status(
    request: CheckOperationInput, context: ToolContext
) -> CheckOperationOutput:
    """Report an operation's status and progress, optionally waiting for a change of status."""
    deadline = time.monotonic() + request.wait_seconds
    operation = await context.operations.get(context.subject, request.operation_id)
    first, reported = operation.status, operation.progress
    with context.waiting() as allowed:
        while allowed and operation.status == first and not operation.finished:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                break
            await anyio.sleep(min(_POLL_SECONDS, remaining))
            operation = await context.operations.get(context.subject, request.operation_id)
            if operation.progress > reported:
                reported = operation.progress
                await context.report_progress(reported)
    return CheckOperationOutput(
        operation_id=operation.id,
        status=operation.status,
        progress=operation.progress,
        result=operation.result,
    )
