"""config://server-settings: how this server is set up."""

from typing import Any

from ..chassis import VERSION
from ..chassis.context import Context
from ..chassis.declarations import resource


@resource("config://server-settings", title="Server settings", scope="config:read")
async def server_settings(context: Context) -> dict[str, Any]:
    """The server's effective settings, version and capabilities as JSON, without secrets."""
    return {
        "name": context.settings.server_name,
        "version": VERSION,
        "capabilities": context.capabilities,
        "settings": context.settings.public_view(),
    }
