"""The records service: holds a record for each id."""

from typing import Any, Self

from ..chassis.observability.metrics import Metrics
from ..chassis.resilience.http_client import HttpService, Remote
from ..settings import Settings


class Records(HttpService):
    """Reads records from the service at `MCP_API_BASE_URL`."""

    name = "external_api"

    @classmethod
    def connect(cls, settings: Settings, metrics: Metrics) -> Self | None:
        """Return the service, or None without `MCP_API_BASE_URL`."""
        if settings.api_base_url is None:
            return None
        remote = Remote(
            base_url=settings.api_base_url,
            key=settings.secret("api_key"),
            timeout_seconds=settings.api_timeout_seconds,
            max_concurrency=settings.api_max_concurrency,
        )
        return cls(remote, settings, metrics)

    async def find(self, record_id: str) -> dict[str, Any] | None:
        """Return a record, its strings free of control characters; None if there is none.

        Raises AppError `dependency_unavailable`.
        """
        answer = await self.get(f"/records/{record_id}", route="/records/{record_id}")
        if answer.status == 404:  # noqa: PLR2004 - not found
            return None
        if not isinstance(answer.json, dict):
            raise self.unavailable()
        return answer.json
