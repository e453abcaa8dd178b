"""What stands in front of the protocol on HTTP: perimeter, gate, and the endpoints beside it."""

import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import anyio
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import __version__, metrics
from .auth import ANONYMOUS, Principal
from .dispatch import Caller, Refusal, caller, check_scope
from .errors import AppError
from .lifecycle import Phase
from .observability import correlation_id, new_correlation_id
from .runtime import Runtime
from .settings import Settings
from .tools.registry import find_resource
from .tracing import remote_parent

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METADATA_PATH = "/.well-known/oauth-protected-resource/mcp"

_OPEN_PATHS = frozenset({"/live", "/health", "/ready", "/metrics"})
_READ_SECONDS = 30
_CORS = {
    "access-control-allow-methods": "POST, OPTIONS",
    "access-control-allow-headers": "authorization, content-type, accept, mcp-protocol-version, "
    "mcp-method, mcp-name, mcp-session-id, x-request-id, traceparent, tracestate, baggage",
    "access-control-max-age": "600",
}
_EXPOSED = "x-request-id, retry-after, www-authenticate"

NOBODY = Caller(ANONYMOUS)
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


class Gate:
    """`/mcp`: what may not pass is refused here, on the parsed body, before the SDK sees it."""

    def __init__(self, runtime: Runtime, protocol: ASGIApp) -> None:
        self._runtime = runtime
        self._settings = runtime.settings
        self._protocol = protocol

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] != "POST":
            response = Response(status_code=405, headers={"allow": "POST, OPTIONS"})
            await response(scope, receive, send)
            return
        headers = Headers(scope=scope)
        who = Caller(ANONYMOUS, self._address(scope, headers))
        message: Any = None
        try:
            who = Caller(await self._authenticate(headers), who.address)
            body = await self._read(headers, receive)
            try:
                message = json.loads(body, parse_constant=_refuse_constant)
            except (ValueError, RecursionError):
                await _protocol_error(PARSE_ERROR, "Parse error")(scope, receive, send)
                return
            if not _is_message(message):
                await _protocol_error(INVALID_REQUEST, "Invalid request")(scope, receive, send)
                return
            caller.set(who)
            with remote_parent(headers):
                await self._pass(message, who, scope, _replay(body, receive), send)
        except _Disconnected:
            return
        except AppError as error:
            response = refuse(self._runtime, error, message, who, headers)
            await response(scope, receive, send)

    async def _pass(
        self, message: dict[str, Any], who: Caller, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Hand an admitted message on; raises AppError for one that is refused."""
        params = message.get("params")
        params = params if isinstance(params, dict) else {}
        if message.get("method") == "tools/call":
            if self._runtime.lifecycle.draining:
                raise AppError("shutting_down")
            name = params.get("name")
            tool = self._runtime.tools.get(name) if isinstance(name, str) else None
            if tool:
                async with self._runtime.dispatcher.admit(tool, who):
                    await self._protocol(scope, receive, send)
                return
        if message.get("method") == "resources/read":
            found = find_resource(self._runtime.resources, params.get("uri"))
            if found:
                check_scope(who.principal, found.resource.scope)
        await self._protocol(scope, receive, send)

    async def _authenticate(self, headers: Headers) -> Principal:
        if self._runtime.verifier is None:
            return ANONYMOUS
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise AppError("unauthenticated")
        return await self._runtime.verifier.verify(token.strip())

    async def _read(self, headers: Headers, receive: Receive) -> bytes:
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/json":
            raise AppError("unsupported_media_type")
        limit = self._settings.max_body_bytes
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > limit:
            raise AppError("too_large")
        body = bytearray()
        with anyio.move_on_after(_READ_SECONDS):
            while True:
                part = await receive()
                if part["type"] == "http.disconnect":
                    raise _Disconnected
                body += part.get("body", b"")
                if len(body) > limit:
                    raise AppError("too_large")
                if not part.get("more_body"):
                    return bytes(body)
        raise AppError("timeout", "the request did not arrive in time")

    def _address(self, scope: Scope, headers: Headers) -> str:
        """Return the client's address: the last one that no trusted proxy stands for."""
        address = scope["client"][0] if scope.get("client") else "unknown"
        forwarded = headers.get("x-forwarded-for", "").split(",")
        for hop in reversed([hop.strip() for hop in forwarded if hop.strip()]):
            if not _is_trusted(address, self._settings):
                break
            address = hop
        return address


class _Disconnected(Exception):  # noqa: N818 - nothing went wrong
    """The client went away before its request was complete."""


def refuse(
    runtime: Runtime,
    error: AppError,
    message: object = None,
    who: Caller = NOBODY,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return the answer to a refused request, and give account of it."""
    request = message if isinstance(message, dict) else {}
    params = request.get("params")
    name = params.get("name") if isinstance(params, dict) else None
    known = name if isinstance(name, str) and name in runtime.tools else None
    runtime.dispatcher.refused(Refusal(error, who, known))
    request_id = request.get("id")
    body = {
        "jsonrpc": "2.0",
        "id": request_id if isinstance(request_id, str | int) else None,
        "error": {
            "code": error.http_status,
            "message": error.message,
            "data": error.payload(correlation_id.get()),
        },
    }
    answer = JSONResponse(body, error.http_status)
    if error.http_status in {429, 503}:
        answer.headers["retry-after"] = str(error.details.get("retry_after_seconds", 1))
    if runtime.verifier and error.code in {"unauthenticated", "insufficient_scope"}:
        answer.headers["www-authenticate"] = _challenge(runtime.settings, error, headers or {})
    return answer


def _challenge(settings: Settings, error: AppError, headers: Mapping[str, str]) -> str:
    parts = []
    if error.code == "insufficient_scope":
        scopes = " ".join(error.details["required_scopes"])
        parts = ['error="insufficient_scope"', f'scope="{scopes}"']
    elif "authorization" in headers:
        parts = ['error="invalid_token"']
    url = urlsplit(settings.resource)
    path = METADATA_PATH.removesuffix("/mcp") + url.path
    metadata = urlunsplit((url.scheme, url.netloc, path, "", ""))
    parts.append(f'resource_metadata="{metadata}"')
    return f"Bearer {', '.join(parts)}"


def _protocol_error(code: int, text: str) -> Response:
    error = {"code": code, "message": text}
    return JSONResponse({"jsonrpc": "2.0", "id": None, "error": error}, 400)


def _is_message(message: object) -> bool:
    """Return whether the body is one request or notification; the SDK's own words say too much."""
    return (
        isinstance(message, dict)
        and message.get("jsonrpc") == "2.0"
        and isinstance(message.get("method"), str)
        and isinstance(message.get("params", {}), dict)
        and isinstance(message.get("id", 0), str | int)
        and not isinstance(message.get("id"), bool)
    )


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _replay(body: bytes, receive: Receive) -> Callable[[], Awaitable[Message]]:
    """Return a `receive` that gives the body that was read, then what comes after it."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay


def _without_port(host: str) -> str:
    name, separator, port = host.rpartition(":")
    return name if separator and port.isdigit() else host


def _is_trusted(address: str, settings: Settings) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in settings.trusted_proxies)
