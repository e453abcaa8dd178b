"""The tools, in the order in which clients see them."""

from typing import Any

from ..chassis.declarations import Tool
from .cancel_operation import cancel_operation
from .check_operation_status import check_operation_status
from .lookup_record import lookup_record
from .process_text import process_text
from .start_operation import start_operation

TOOLS: tuple[Tool[Any, Any], ...] = (
    process_text,
    lookup_record,
    start_operation,
    check_operation_status,
    cancel_operation,
)
