"""operation://{operation_id}: what became of an operation."""

from typing import Any

from ..chassis.context import Context
from ..chassis.declarations import resource


@resource(
    "operation://{operation_id}",
    title="Operation",
    scope="operations:read",
    needs=("enable_writes",),
)
async def operation(context: Context, operation_id: str) -> dict[str, Any]:
    """Status, progress and result of one of the caller's operations as JSON."""
    found = await context.operations.get(context.subject, operation_id)
    status = {"operation_id": found.id, "status": found.status, "progress": found.progress}
    return status if found.result is None else status | {"result": found.result}
