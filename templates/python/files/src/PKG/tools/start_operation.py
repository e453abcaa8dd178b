"""start_operation: work that takes longer than a call."""

import asyncio
from typing import Any

from pydantic import Field

from ..chassis.declarations import Annotations, tool
from ..chassis.schemas import Input, Integer, Output
from ..chassis.state.operations import Report
from .tools import NO_STATE, Name, OperationStatus, OwnOperationId, ToolContext


class StartOperationInput(Input):
    steps: Integer = Field(default=10, ge=1, le=100, description="Number of steps.")
    step_milliseconds: Integer = Field(
        default=100, ge=0, le=1000, description="Duration of a step in milliseconds."
    )
    idempotency_key: Name = Field(
        default_factory=str,
        description="Repeating a call with the same key and arguments gives the same operation.",
    )


class StartOperationOutput(Output):
    operation_id: OwnOperationId
    status: OperationStatus
    status_uri: str = Field(description="URI of the resource that holds the operation's status.")


@tool(
    title="Start an operation",
    scope="operations:write",
    annotations=Annotations(read_only=False, idempotent=False),
    side_effects="Creates an operation that runs in the background "
    "and is kept until its time to live ends.",
    errors={
        "state_conflict": "The idempotency key was used with other arguments.",
        "too_many_operations": "The caller has MCP_MAX_OPERATIONS running operations.",
        "dependency_unavailable": NO_STATE,
    },
    needs=("enable_writes",),
)
async def start_operation(
    request: StartOperationInput, context: ToolContext
) -> StartOperationOutput:
    """Start a long-running operation; follow it with check_operation_status."""

    async def work(report: Report) -> dict[str, Any]:
        for step in range(request.steps):
            await asyncio.sleep(request.step_milliseconds / 1000)
            await report((step + 1) / request.steps)
        return {"steps_completed": request.steps}

    operation = await context.operations.start(
        context.subject,
        work,
        arguments=[request.steps, request.step_milliseconds],
        idempotency_key=request.idempotency_key or None,
    )
    return StartOperationOutput(
        operation_id=operation.id,
        status=operation.status,
        status_uri=f"operation://{operation.id}",
    )
