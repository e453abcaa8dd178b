"""What operators ask over HTTP: live, ready, health, metrics. None of it calls anyone else."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .. import VERSION
from ..app import App
from ..lifecycle import Phase
from ..observability.metrics import CONTENT_TYPE

PATHS = frozenset({"/live", "/ready", "/health", "/metrics"})
"""Open to every host name: probes come by address."""


def probe_routes(app: App) -> list[Route]:
    """Return the routes."""

    async def live(_: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def ready(_: Request) -> Response:
        phase = app.lifecycle.phase
        return JSONResponse({"status": phase}, 200 if phase is Phase.READY else 503)

    async def health(_: Request) -> Response:
        checks = app.health()
        status = "degraded" if "degraded" in checks.values() else "healthy"
        return JSONResponse({"status": status, "version": VERSION, "checks": checks})

    async def metrics(_: Request) -> Response:
        return Response(app.metrics.render(), media_type=CONTENT_TYPE)

    return [
        Route("/live", live),
        Route("/ready", ready),
        Route("/health", health),
        Route("/metrics", metrics),
    ]
