"""What a message from a client must look like, the same on every transport.

The SDK sees only what has passed here, so that two parsers never disagree over one message.
"""

from collections.abc import Mapping
from typing import Any

from .. import strict_json
from ..errors import AppError

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
INVALID_PARAMS = -32602

_MAX_SAFE_INTEGER = 2**53 - 1
_TITLES = {PARSE_ERROR: "Parse error", INVALID_REQUEST: "Invalid request"}
_NO_MESSAGE = "body is not one JSON-RPC request or notification"
_TYPES: dict[str, type | tuple[type, ...]] = {"a string": str, "an object": dict}
_MEMBERS: dict[str, tuple[tuple[str, str, bool], ...]] = {
    "initialize": (
        ("protocolVersion", "a string", True),
        ("capabilities", "an object", True),
        ("clientInfo", "an object", True),
    ),
    "tools/call": (("name", "a string", True), ("arguments", "an object", False)),
    "prompts/get": (("name", "a string", True), ("arguments", "an object", False)),
    "resources/read": (("uri", "a string", True),),
    "tools/list": (("cursor", "a string", False),),
    "prompts/list": (("cursor", "a string", False),),
    "resources/list": (("cursor", "a string", False),),
    "resources/templates/list": (("cursor", "a string", False),),
}
"""The members of `params` that are looked at: name, type, whether it must be there."""
_VERSION = "io.modelcontextprotocol/protocolVersion"
"""In `_meta` of every request of 2026-07-28, which has no handshake."""
_LINE_BREAKS = {
    "\x85".encode(): b"\\u0085",
    "\u2028".encode(): b"\\u2028",
    "\u2029".encode(): b"\\u2029",
}


class InvalidRequestError(AppError):
    """A message that is none, or has the wrong shape; `rpc_code` is JSON-RPC's own."""

    def __init__(
        self,
        rpc_code: int,
        message: str,
        request_id: str | int | None = None,
        *,
        is_notification: bool = False,
    ) -> None:
        """Say what is wrong; nobody waits for an answer to a notification."""
        super().__init__("invalid_request", message)
        self.rpc_code = rpc_code
        self.title = _TITLES.get(rpc_code, message)
        self.request_id = request_id
        self.is_notification = is_notification


class _ShapeError(Exception):
    """What is wrong with the parameters, in a plain sentence."""


def parse(data: bytes) -> dict[str, Any]:
    """Return the request or notification in `data`, without the members that are null.

    Raises InvalidRequestError.
    """
    try:
        message = strict_json.loads(data)
    except strict_json.StrictJSONError as error:
        raise InvalidRequestError(PARSE_ERROR, f"body is {error}") from None
    if not isinstance(message, dict):
        raise InvalidRequestError(INVALID_REQUEST, _NO_MESSAGE)
    request_id = readable_id(message)
    method = message.get("method")
    is_notification = "id" not in message and isinstance(method, str)
    if (
        message.get("jsonrpc") != "2.0"
        or not isinstance(method, str)
        or ("id" in message and request_id is None)
    ):
        raise InvalidRequestError(
            INVALID_REQUEST, _NO_MESSAGE, request_id, is_notification=is_notification
        )
    sound: dict[str, Any] = {"jsonrpc": "2.0", "method": method}
    if request_id is not None:
        sound["id"] = request_id
    try:
        if (params := _params(method, message.get("params"))) is not None:
            sound["params"] = params
    except _ShapeError as error:
        raise InvalidRequestError(
            INVALID_PARAMS, str(error), request_id, is_notification=is_notification
        ) from None
    return sound


def readable_id(message: Mapping[str, Any]) -> str | int | None:
    """Return the id that can be answered with, if there is one."""
    given = message.get("id")
    if isinstance(given, float) and given.is_integer():
        given = int(given)
    if isinstance(given, int) and not isinstance(given, bool):
        return given if abs(given) <= _MAX_SAFE_INTEGER else None
    if isinstance(given, str) and given.encode("utf-8", "replace").decode() == given:
        return given
    return None


def _params(method: str, params: Any) -> dict[str, Any] | None:
    """Return the parameters; raises _ShapeError with a plain sentence about the first mistake."""
    if params is None:
        params = {}
    elif not isinstance(params, dict):
        raise _ShapeError("params must be an object")
    params = {name: value for name, value in params.items() if value is not None}
    if (meta := params.get("_meta")) is not None:
        params["_meta"] = _meta(meta)
    unknown = method == "initialize" and _VERSION in params.get("_meta", {})
    for name, kind, required in () if unknown else _MEMBERS.get(method, ()):
        if name in params or required:
            _check(f"params.{name}", params.get(name), kind)
    if method == "prompts/get" and "arguments" in params:
        for name, value in params["arguments"].items():
            _check(f"params.arguments.{name[:64]}", value, "a string")
    return params or None


def _meta(meta: Any) -> dict[str, Any]:
    _check("params._meta", meta, "an object")
    sound = {name: value for name, value in meta.items() if value is not None}
    token = sound.get("progressToken", "")
    if isinstance(token, float) and token.is_integer():
        sound["progressToken"] = token = int(token)
    if isinstance(token, bool) or not isinstance(token, str | int):
        raise _ShapeError("params._meta.progressToken must be a string or an integer")
    return sound


def _check(path: str, value: Any, kind: str) -> None:
    if not isinstance(value, _TYPES[kind]):
        raise _ShapeError(f"{path} must be {kind}")


def escape_line_breaks(sent: bytes) -> bytes:
    """Return JSON without what is no line break to JSON but is one to some clients."""
    for found, escape in _LINE_BREAKS.items():
        sent = sent.replace(found, escape)
    return sent
