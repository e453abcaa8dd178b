"""An MCP server: one domain, one authentication boundary."""

from .chassis import VERSION

__version__ = VERSION
