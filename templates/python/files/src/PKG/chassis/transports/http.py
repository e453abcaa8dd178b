"""The HTTP application: `/mcp`, the probes, and the perimeter around every route."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..app import App
from ..declarations import Server
from ..errors import AppError
from ..observability.logs import correlation_id, new_correlation_id
from ..settings.settings import Settings
from .gate import METADATA_PATH, Gate, metadata_path, refuse
from .listener import Listener, listen
from .probes import PATHS, probe_routes
from .protocol import Sessions

_MCP = frozenset({"/mcp", "/mcp/"})
_ALLOW = {"allow": "POST, OPTIONS"}
_CORS = {
    "access-control-allow-methods": "POST, OPTIONS",
    "access-control-allow-headers": "authorization, content-type, accept, mcp-protocol-version, "
    "mcp-method, mcp-name, mcp-session-id, x-request-id, traceparent, tracestate, baggage",
    "access-control-max-age": "600",
}
_EXPOSED = "x-request-id, retry-after, www-authenticate"


async def serve_http(server: Server, settings: Settings) -> None:
    """Serve HTTP until SIGTERM or SIGINT; raises OSError when the address cannot be had."""
    listening = listen(settings.server_host, settings.server_port)
    settings = settings.model_copy(update={"server_port": listening.getsockname()[1]})
    app = App.build(server, settings)
    listener = Listener(create_site(app), app.lifecycle)
    app.metrics.watch_connections(lambda: listener.connections)
    await listener.serve([listening])


def create_site(app: App) -> Starlette:
    """Return the HTTP application; its lifespan runs the server's parts."""
    sessions = Sessions(app)
    gate = Gate(app, sessions)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with app.running(), sessions.running():
            yield

    async def resource_metadata(_: Request) -> Response:
        return JSONResponse(
            {
                "resource": app.settings.resource,
                "authorization_servers": [app.settings.auth_issuer],
                "scopes_supported": app.scopes,
                "bearer_methods_supported": ["header"],
            }
        )

    async def not_found(_: Request, __: Exception) -> Response:
        return JSONResponse({"error": "not found"}, 404)

    routes = [*(Route(path, gate) for path in _MCP), *probe_routes(app)]
    if app.verifier:
        paths = {f"{METADATA_PATH}/mcp", metadata_path(app)}
        routes += [Route(path, resource_metadata) for path in paths]
    site = Starlette(
        routes=routes,
        middleware=[Middleware(Perimeter, app_=app)],
        exception_handlers={404: not_found},
        lifespan=lifespan,
    )
    site.router.redirect_slashes = False  # a redirect would lose the scheme that a proxy ended
    return site


class Perimeter:
    """Around every route: correlation id, allowed methods, hosts and origins, CORS."""

    def __init__(self, app: ASGIApp, app_: App) -> None:
        self._next = app
        self._app = app_
        self._hosts = frozenset(host.lower() for host in app_.settings.hosts)
        self._origins = frozenset(origin.lower() for origin in app_.settings.origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request or hand it on."""
        if scope["type"] != "http":
            await self._next(scope, receive, send)
            return
        # httptools keeps white space around header values, which is no part of them.
        scope["headers"] = [(name, value.strip()) for name, value in scope["headers"]]
        headers = Headers(scope=scope)
        request_id = new_correlation_id(headers.get("x-request-id"))
        token = correlation_id.set(request_id)
        extra = {"x-request-id": request_id}
        response: Response | None = None
        if scope["path"] in _MCP and scope["method"] not in {"POST", "OPTIONS"}:
            response = Response(status_code=405, headers=_ALLOW)
        elif scope["path"] not in PATHS:
            origin = headers.get("origin")
            try:
                self._check(headers.get("host", ""), origin)
            except AppError as error:
                response = refuse(self._app, error)
            else:
                if origin:
                    extra |= {
                        "access-control-allow-origin": origin,
                        "access-control-expose-headers": _EXPOSED,
                        "vary": "Origin",
                    }
                if scope["method"] == "OPTIONS":
                    response = Response(status_code=204, headers=_ALLOW | _CORS)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(extra)
            await send(message)

        try:
            await (response or self._next)(scope, receive, send_with_headers)
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
