"""The HTTP application: the perimeter around every route, and the endpoints beside `/mcp`."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import __version__, metrics
from .errors import AppError
from .gate import METADATA_PATH, Gate, refuse
from .lifecycle import Phase
from .observability import correlation_id, new_correlation_id
from .runtime import Runtime

_OPEN_PATHS = frozenset({"/live", "/health", "/ready", "/metrics"})
_CORS = {
    "access-control-allow-methods": "POST, OPTIONS",
    "access-control-allow-headers": "authorization, content-type, accept, mcp-protocol-version, "
    "mcp-method, mcp-name, mcp-session-id, x-request-id, traceparent, tracestate, baggage",
    "access-control-max-age": "600",
}
_EXPOSED = "x-request-id, retry-after, www-authenticate"

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]


def create_site(runtime: Runtime, protocol: ASGIApp, lifespan: Lifespan) -> Starlette:
    """Return the whole HTTP application around `protocol`, which answers admitted messages."""

    async def live(_: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def ready(_: Request) -> Response:
        phase = runtime.lifecycle.phase
        return JSONResponse({"status": phase}, 200 if phase is Phase.READY else 503)

    async def health(_: Request) -> Response:
        checks = {
            "server": "healthy",
            "state": "healthy" if runtime.store.healthy else "degraded",
            "external_api": "disabled",
        }
        if runtime.records:
            checks["external_api"] = "healthy" if runtime.records.healthy else "degraded"
        status = "degraded" if "degraded" in checks.values() else "healthy"
        return JSONResponse({"status": status, "version": __version__, "checks": checks})

    async def read_metrics(_: Request) -> Response:
        return Response(runtime.metrics.render(), media_type=metrics.CONTENT_TYPE)

    async def resource_metadata(_: Request) -> Response:
        scopes = {t.scope for t in runtime.tools.values()}
        scopes |= {r.scope for r in runtime.resources.values()}
        return JSONResponse(
            {
                "resource": runtime.settings.resource,
                "authorization_servers": [runtime.settings.auth_issuer],
                "scopes_supported": sorted(scopes),
                "bearer_methods_supported": ["header"],
            }
        )

    routes = [
        Route("/mcp", Gate(runtime, protocol)),
        Route("/live", live),
        Route("/ready", ready),
        Route("/health", health),
        Route("/metrics", read_metrics),
    ]
    if runtime.verifier:
        routes.append(Route(METADATA_PATH, resource_metadata))
    perimeter = Middleware(Perimeter, runtime=runtime)
    return Starlette(routes=routes, middleware=[perimeter], lifespan=lifespan)


class Perimeter:
    """Around every route: correlation id, allowed hosts and origins, CORS."""

    def __init__(self, app: ASGIApp, runtime: Runtime) -> None:
        self._app = app
        self._runtime = runtime
        self._hosts = frozenset(host.lower() for host in runtime.settings.hosts)
        self._origins = frozenset(origin.lower() for origin in runtime.settings.origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request or hand it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # httptools keeps white space around header values, which is no part of them.
        scope["headers"] = [(name, value.strip()) for name, value in scope["headers"]]
        headers = Headers(scope=scope)
        request_id = new_correlation_id(headers.get("x-request-id"))
        token = correlation_id.set(request_id)
        extra = {"x-request-id": request_id}
        response: Response | None = None
        if scope["path"] not in _OPEN_PATHS:
            origin = headers.get("origin")
            try:
                self._check(headers.get("host", ""), origin)
            except AppError as error:
                response = refuse(self._runtime, error)
            else:
                if origin:
                    extra |= {
                        "access-control-allow-origin": origin,
                        "access-control-expose-headers": _EXPOSED,
                        "vary": "Origin",
                    }
                if scope["method"] == "OPTIONS":
                    response = Response(status_code=204, headers={"allow": "POST, OPTIONS"} | _CORS)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(extra)
            await send(message)

        try:
            await (response or self._app)(scope, receive, send_with_headers)
        finally:
            correlation_id.reset(token)

    def _check(self, host: str, origin: str | None) -> None:
        host = host.lower()
        if host not in self._hosts and _without_port(host) not in self._hosts:
            raise AppError("forbidden", "host not allowed")
        if origin is not None and not self._allows(origin.lower()):
            raise AppError("forbidden", "origin not allowed")

    def _allows(self, origin: str) -> bool:
        if origin in self._origins:
            return True
        # A development server on this machine may use any port.
        loopback = _without_port(origin)
        return loopback in self._origins and loopback.endswith(
            ("//localhost", "127.0.0.1", "[::1]")
        )


def _without_port(host: str) -> str:
    name, separator, port = host.rpartition(":")
    return name if separator and port.isdigit() else host
