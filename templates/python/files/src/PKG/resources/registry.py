"""The resources, in the order in which clients see them."""

from ..chassis.declarations import Resource
from .operation import operation
from .server_settings import server_settings

RESOURCES: tuple[Resource, ...] = (
    server_settings,
    operation,
)
