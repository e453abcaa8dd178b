"""An MCP server: one domain, one authentication boundary."""

from importlib.metadata import metadata

_distribution = metadata(__name__)

NAME: str = _distribution["Name"]
DESCRIPTION: str = _distribution["Summary"]
__version__: str = _distribution["Version"]
