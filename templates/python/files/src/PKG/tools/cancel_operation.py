"""cancel_operation: stops what another call has started."""

from ..chassis.declarations import Annotations, tool
from ..chassis.errors import AppError
from ..chassis.schemas import Input, Output
from .tools import (
    NO_OPERATION,
    NO_STATE,
    OperationId,
    OperationStatus,
    OwnOperationId,
    ToolContext,
)


class CancelOperationInput(Input):
    operation_id: OperationId


class CancelOperationOutput(Output):
    operation_id: OwnOperationId
    status: OperationStatus


@tool(
    title="Cancel an operation",
    scope="operations:write",
    annotations=Annotations(read_only=False, destructive=True),
    side_effects="Stops the operation for good.",
    errors={
        "operation_not_found": NO_OPERATION,
        "state_conflict": "The operation has completed or failed.",
        "dependency_unavailable": NO_STATE,
    },
    needs=("enable_writes",),
)
async def cancel_operation(
    request: CancelOperationInput, context: ToolContext
) -> CancelOperationOutput:
    """Stop a running operation; what it has done so far is not undone."""
    operation = await context.operations.cancel(context.subject, request.operation_id)
    if operation.status != "cancelled":
        raise AppError("state_conflict", f"operation_id: already {operation.status}")
    return CancelOperationOutput(operation_id=operation.id, status=operation.status)
