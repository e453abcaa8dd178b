"""`/mcp`: what may not pass is refused here, on the parsed body, before the SDK sees it."""

import json
from collections.abc import Awaitable, Callable, Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import anyio
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .auth import ANONYMOUS, Principal
from .dispatch import Caller, Refusal, caller, check_scope
from .errors import AppError
from .observability import correlation_id, get_logger
from .runtime import Runtime
from .settings import Settings
from .tools.registry import find_resource
from .tracing import remote_parent

METADATA_PATH = "/.well-known/oauth-protected-resource/mcp"
NOBODY = Caller(ANONYMOUS)
PARSE_ERROR = -32700
INVALID_REQUEST = -32600

_READ_SECONDS = 30

_log = get_logger(__name__)


class Gate:
    """Authenticates, reads, checks and admits one message, then hands it to the protocol."""

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
                await self._pass(message, who, scope, _replay(_mend(body, message), receive), send)
        except _Disconnected:
            return
        except AppError as error:
            response = refuse(self._runtime, error, message, who, headers)
            await response(scope, receive, send)
        except Exception:  # noqa: BLE001 - whatever it is, its text must not reach the client
            _log.exception("request.crashed")
            response = refuse(self._runtime, AppError("internal"), message, who, headers)
            await response(scope, receive, send)

    async def _pass(
        self, message: dict[str, Any], who: Caller, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Hand an admitted message on; raises AppError for one that is refused."""
        params = message.get("params")
        params = params if isinstance(params, dict) else {}
        if message.get("method") == "tools/call":
            name = params.get("name")
            tool = self._runtime.tools.get(name) if isinstance(name, str) else None
            if tool:
                arguments = params.get("arguments")
                arguments = arguments if isinstance(arguments, dict) else {}
                async with self._runtime.dispatcher.admit(tool, arguments, who):
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


def _mend(body: bytes, message: object) -> bytes:
    """Return the body without ill-formed strings, which one of the SDK's parsers refuses whole.

    The tool still gets what was sent: its validation refuses them field by field.
    """
    if b"\\ud" not in body.lower():
        return body
    return json.dumps(message, ensure_ascii=False).encode("utf-8", "replace")


def _replay(body: bytes, receive: Receive) -> Callable[[], Awaitable[Message]]:
    """Return a `receive` that gives the body that was read, then what comes after it."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay


def _is_trusted(address: str, settings: Settings) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in settings.trusted_proxies)
