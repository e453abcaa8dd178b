"""This server's own settings, on top of the standard's."""

from .chassis.settings import settings as standard
from .chassis.settings.kinds import BaseUrl, File, Positive, PositiveSeconds, Token


class Settings(standard.Settings):
    """A field is a variable: `api_base_url` is `MCP_API_BASE_URL`."""

    api_base_url: BaseUrl | None = None
    api_key: Token | None = None
    api_key_file: File | None = None
    api_timeout_seconds: PositiveSeconds = 5
    api_max_concurrency: Positive = 16
