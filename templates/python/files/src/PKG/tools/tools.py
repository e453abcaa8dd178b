"""What tools share: what a tool may use, and the types of more than one."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from ..chassis.context import Context
from ..chassis.state.store import Status
from ..settings import Settings

_OPERATION_ID = r"^[A-Za-z0-9_-]{16,64}$"

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
OperationId = Annotated[
    str, Field(pattern=_OPERATION_ID, description="Id that start_operation returned.")
]
OwnOperationId = Annotated[str, Field(pattern=_OPERATION_ID, description="Id of the operation.")]
OperationStatus = Annotated[Status, Field(description="State of the operation.")]

NO_OPERATION = "The caller has no such operation."
NO_STATE = "The state store cannot be reached."


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolContext(Context):
    """What a tool may use: see `Context`; the settings are this server's own."""

    settings: Settings
