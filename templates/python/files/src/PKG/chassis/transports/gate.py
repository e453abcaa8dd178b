"""`/mcp`: what may not pass is refused here, on the parsed body, before the SDK sees it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import anyio
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import Message, Receive, Scope, Send

from .. import strict_json
from ..app import App
from ..calls import admitted, check_scope
from ..context import ANONYMOUS, Caller, Principal, caller
from ..errors import AppError
from ..observability.logs import correlation_id, get_logger
from ..observability.tracing import remote_parent
from ..text import well_formed
from .address import client_key
from .messages import InvalidRequestError, escape_line_breaks, parse
from .protocol import Sessions

METADATA_PATH = "/.well-known/oauth-protected-resource"
NOBODY = Caller(ANONYMOUS)

_READ_SECONDS = 30
_ACCEPT = (b"accept", b"application/json, text/event-stream")
_REPLACED = frozenset({b"accept", b"content-length"})

_log = get_logger(__name__)


class Gate:
    """Authenticates, reads, checks and admits one message, then hands it to the protocol."""

    def __init__(self, app: App, sessions: Sessions) -> None:
        self._app = app
        self._settings = app.settings
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = Headers(scope=scope)
        peer = scope["client"][0] if scope.get("client") else "unknown"
        forwarded = headers.getlist("x-forwarded-for")
        who = Caller(ANONYMOUS, client_key(peer, forwarded, self._settings.trusted_proxies))
        message: Mapping[str, Any] = {}
        try:
            who = Caller(await self._authenticate(headers), who.address)
            message = parse(await self._read(headers, receive))
            caller.set(who)
            with remote_parent(headers):
                await self._pass(message, who, scope, receive, _escaped(send))
        except _Disconnected:
            return
        except AppError as error:
            response = refuse(self._app, error, message, who, headers)
            await response(scope, receive, send)
        except Exception:  # noqa: BLE001 - whatever it is, its text must not reach the client
            _log.exception("request.crashed")
            response = refuse(self._app, AppError("internal"), message, who, headers)
            await response(scope, receive, send)

    async def _pass(
        self, message: Mapping[str, Any], who: Caller, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Hand an admitted message on; raises AppError for one that is refused."""
        params = message.get("params", {})
        body = strict_json.dumps(message).encode("utf-8", "surrogatepass")
        if not _is_utf8(body):  # the tool still gets what was sent, and refuses it field by field
            body = strict_json.dumps(well_formed(message)).encode()
        headers = [item for item in scope["headers"] if item[0] not in _REPLACED]
        length = (b"content-length", str(len(body)).encode())
        scope = {**scope, "headers": [*headers, _ACCEPT, length]}
        receive = _replay(body, receive)
        tool = None
        if message["method"] == "tools/call" and "id" in message:
            tool = self._app.tools.get(params["name"])
        elif message["method"] == "resources/read":
            for resource in self._app.resources.values():
                if resource.match(params["uri"]) is not None:
                    check_scope(who.principal, resource.scope)
        if tool is None:
            await self._sessions.answer(params, scope, receive, send)
            return
        admission = await self._app.calls.admit(tool, params.get("arguments", {}), who)
        try:
            admitted.set(admission)
            with _while_connected(receive):
                await self._sessions.answer(params, scope, receive, send)
        finally:
            admission.close()

    async def _authenticate(self, headers: Headers) -> Principal:
        if self._app.verifier is None:
            return ANONYMOUS
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise AppError("unauthenticated")
        return await self._app.verifier.verify(token.strip())

    async def _read(self, headers: Headers, receive: Receive) -> bytes:
        if not _accepts(",".join(headers.getlist("accept"))):
            raise AppError("not_acceptable")
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


class _Disconnected(Exception):  # noqa: N818 - nothing went wrong
    """The client went away before its request was complete."""


def refuse(
    app: App,
    error: AppError,
    message: Mapping[str, Any] | None = None,
    who: Caller = NOBODY,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return the answer to a refused request, and give account of it."""
    message = message or {}
    name = message.get("params", {}).get("name")
    app.calls.refused(error, who, name if name in app.tools else None)
    request_id, code, title = message.get("id"), error.http_status, error.message
    if isinstance(error, InvalidRequestError):
        request_id, code, title = error.request_id, error.rpc_code, error.title
    body = {
        "jsonrpc": "2.0",
        "id": request_id,
        "error": {
            "code": code,
            "message": title,
            "data": error.payload(correlation_id.get()),
        },
    }
    answer = JSONResponse(body, error.http_status)
    if error.http_status in {429, 503}:
        answer.headers["retry-after"] = str(error.details.get("retry_after_seconds", 1))
    if app.verifier and error.code in {"unauthenticated", "insufficient_scope"}:
        answer.headers["www-authenticate"] = _challenge(app, error, headers or {})
    return answer


def metadata_path(app: App) -> str:
    """Return where this resource's metadata is by the canonical URL, as RFC 9728 makes it."""
    return METADATA_PATH + urlsplit(app.settings.resource).path


def _challenge(app: App, error: AppError, headers: Mapping[str, str]) -> str:
    parts = []
    scopes = error.details.get("required_scopes", app.scopes)
    if error.code == "insufficient_scope":
        parts = ['error="insufficient_scope"']
    elif "authorization" in headers:
        parts = ['error="invalid_token"']
    url = urlsplit(app.settings.resource)
    metadata = urlunsplit((url.scheme, url.netloc, metadata_path(app), "", ""))
    parts += [f'scope="{" ".join(scopes)}"', f'resource_metadata="{metadata}"']
    return f"Bearer {', '.join(parts)}"


@lru_cache
def _accepts(accept: str) -> bool:
    """Return whether the client takes both types that an answer may have."""
    taken: dict[str, bool] = {}
    for part in accept.lower().split(","):
        media_range, *parameters = (item.strip() for item in part.split(";"))
        taken[media_range] = not any(_is_zero(parameter) for parameter in parameters)
    # The closest range decides.
    return all(
        next((taken[each] for each in ranges if each in taken), False)
        for ranges in (
            ("application/json", "application/*", "*/*"),
            ("text/event-stream", "text/*", "*/*"),
        )
    )


def _is_zero(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    return name.strip() == "q" and not value.strip().strip("0.")


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _replay(body: bytes, receive: Receive) -> Callable[[], Awaitable[Message]]:
    """Return a `receive` that gives the body that was read, then what comes after it."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay


@contextmanager
def _while_connected(receive: Receive) -> Iterator[None]:
    """Cancel what runs inside when the client goes away."""

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        scope.cancel()

    scope = anyio.CancelScope()
    watching = asyncio.create_task(watch())
    try:
        with scope:
            yield
    finally:
        watching.cancel()


def _escaped(send: Send) -> Send:
    """Return a `send` that escapes what some clients take for the end of an event.

    A body whose length was announced comes in one piece.
    """
    announced: Message | None = None

    async def escaped(message: Message) -> None:
        nonlocal announced
        if "content-length" in Headers(raw=message.get("headers", [])):
            announced = message
            return
        body = escape_line_breaks(message.get("body", b""))
        if announced:
            MutableHeaders(scope=announced)["content-length"] = str(len(body))
            await send(announced)
            announced = None
        await send({**message, "body": body} if body else message)

    return escaped
