"""Hostile messages and what each is owed: one table for the bodies of HTTP and for the lines of stdio."""

from __future__ import annotations

import copy
import itertools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kit.wire import LEGACY, PARAMS, REQUEST, envelope

if TYPE_CHECKING:
    from collections.abc import Iterator

ABSENT = object()
NO_REQUEST = "body is not one JSON-RPC request or notification"
LARGEST_ID = 2**53 - 1
GOOD: dict[str, dict[str, Any]] = {
    "tools/call": {"name": "process_text", "arguments": {"text": "x"}},
    "prompts/get": {"name": "summarize_text", "arguments": {"text": "x"}},
    "resources/read": {"uri": "config://server-settings"},
    "tools/list": {},
    "prompts/list": {},
    "resources/list": {},
    "resources/templates/list": {},
    "initialize": {
        "protocolVersion": LEGACY,
        "capabilities": {},
        "clientInfo": {"name": "kit", "version": "1"},
    },
}
LISTS = tuple(method for method in GOOD if method.endswith("/list"))


def good(method: str, era: str) -> dict[str, Any]:
    return envelope(method, copy.deepcopy(GOOD[method]), era)


def edited(message: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """Put `value` at that path of the message, or take away what is there."""
    node = message
    for key in path[:-1]:
        node = node.setdefault(key, {})
    if value is ABSENT:
        node.pop(path[-1], None)
    else:
        node[path[-1]] = value
    return message


@dataclass(frozen=True)
class Mistake:
    """A place of a good message, the values that are wrong there, and how each is refused."""

    method: str
    path: tuple[str, ...]
    values: tuple[Any, ...]
    code: int = PARAMS
    reason: str = "an object"

    @property
    def name(self) -> str:
        return ".".join((self.method, *self.path))

    @property
    def message(self) -> str:
        return NO_REQUEST if self.code == REQUEST else f"{'.'.join(self.path)} must be {self.reason}"

    def messages(self, era: str) -> Iterator[dict[str, Any]]:
        return (edited(good(self.method, era), self.path, value) for value in self.values)


NO_TEXT = (5, True, ["x"], {"a": 1})
NO_OBJECT = ([], "text", 5, True)
UNREADABLE_IDS = (None, 1.5, True, 2**53, -(2**53), 2**53 + 1, [1], {"a": 1}, "\ud800")
MISTAKES = (
    Mistake("tools/call", ("jsonrpc",), (ABSENT, "1.0", "2", 2.0, None), REQUEST),
    Mistake("tools/call", ("method",), (7, None, ["tools/call"], {}), REQUEST),
    Mistake("tools/call", ("id",), UNREADABLE_IDS, REQUEST),
    Mistake("tools/list", ("params",), NO_OBJECT),
    Mistake("tools/call", ("params",), NO_OBJECT),
    Mistake("tools/call", ("params", "_meta"), NO_OBJECT),
    Mistake("tools/call", ("params", "_meta", "progressToken"), (1.5, True, [], {}), reason="a string or an integer"),
    Mistake("tools/call", ("params", "name"), (ABSENT, None, *NO_TEXT), reason="a string"),
    Mistake("tools/call", ("params", "arguments"), NO_OBJECT),
    Mistake("prompts/get", ("params", "name"), (ABSENT, None, *NO_TEXT), reason="a string"),
    Mistake("prompts/get", ("params", "arguments"), NO_OBJECT),
    Mistake("prompts/get", ("params", "arguments", "text"), NO_TEXT, reason="a string"),
    Mistake("resources/read", ("params", "uri"), (ABSENT, None, *NO_TEXT), reason="a string"),
    *(Mistake(method, ("params", "cursor"), NO_TEXT, reason="a string") for method in LISTS),
)
HANDSHAKE_MISTAKES = (
    Mistake("initialize", ("params", "protocolVersion"), (ABSENT, None, *NO_TEXT), reason="a string"),
    Mistake("initialize", ("params", "capabilities"), (ABSENT, None, *NO_OBJECT)),
    Mistake("initialize", ("params", "clientInfo"), (ABSENT, None, *NO_OBJECT)),
)
"""Only the older era has a handshake."""

OPTIONAL: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("tools/list", ("params",)),
    ("tools/call", ("params", "_meta")),
    ("tools/call", ("params", "_meta", "progressToken")),
    ("tools/call", ("params", "arguments")),
    ("prompts/get", ("params", "arguments")),
    *((method, ("params", "cursor")) for method in LISTS),
)
"""Where null is what clients write for something absent."""

NO_JSON: dict[str, tuple[bytes, str]] = {
    "cut": (b'{"jsonrpc": "2.0", ', "body is not valid JSON"),
    "two values": (b"{} {}", "body is not valid JSON"),
    "control characters": (b"\x00\x01", "body is not valid JSON"),
    "NaN": (b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"a":NaN}}', "body is not valid JSON"),
    "Infinity": (b"[-Infinity]", "body is not valid JSON"),
    "single quotes": (b"{'id':1}", "body is not valid JSON"),
    "UTF-16": ('{"id":1}'.encode("utf-16"), "body is not valid UTF-8"),
    "Latin-1": ('{"id":"é"}'.encode("latin-1"), "body is not valid UTF-8"),
    "encoded surrogate": (b'{"id":"\xed\xa0\x80"}', "body is not valid UTF-8"),
    "cut character": (b'{"id":"\xf0\x9f\x98"}', "body is not valid UTF-8"),
    "deep": (
        b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":' + b'{"a":' * 250 + b"1" + b"}" * 251,
        "body is nested too deeply",
    ),
    "very deep": (b"[" * 100_000 + b"]" * 100_000, "body is nested too deeply"),
}
"""Nothing in these can be read, not even an id."""

NO_MESSAGE: dict[str, tuple[Any, Any]] = {
    "null": (None, None),
    "number": (42, None),
    "text": ("tools/list", None),
    "true": (True, None),
    "empty batch": ([], None),
    "batch": ([{"jsonrpc": "2.0", "id": 5, "method": "tools/list"}], None),
    "batch of two": ([{"jsonrpc": "2.0", "id": n, "method": "tools/list"} for n in (5, 6)], None),
    "empty": ({}, None),
    "version only": ({"jsonrpc": "2.0"}, None),
    "id only": ({"id": 5}, 5),
    "response": ({"jsonrpc": "2.0", "id": "r", "result": {}}, "r"),
    "error": ({"jsonrpc": "2.0", "id": 5, "error": {"code": 1, "message": "x"}}, 5),
}
"""JSON that is no request and no notification, and the id in its answer."""

NOTIFICATIONS: dict[str, tuple[Any, ...]] = {
    "notifications/cancelled": ({}, [1], None, 1.5, True, "nobody", 10**30, ABSENT),
    "notifications/progress": (ABSENT,),
    "no/such/notification": (ABSENT,),
}
"""Notifications that harm nobody, by the value of their `requestId`."""


def notifications(era: str) -> Iterator[dict[str, Any]]:
    for method, values in NOTIFICATIONS.items():
        for value in values:
            message = edited(envelope(method, {}, era), ("params", "requestId"), value)
            del message["id"]
            yield message


def readable(value: Any) -> bool:
    """Whether that is an id which an answer can carry."""
    if isinstance(value, str):
        return value.isascii() or value.encode(errors="replace").decode() == value
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return whole and not isinstance(value, bool) and abs(value) <= LARGEST_ID


NOTHING = object()


def owed(message: Any) -> Any:
    """Return the id of the one answer that a line of stdio is owed, or `NOTHING`."""
    if not isinstance(message, dict):
        return None
    if "id" not in message and isinstance(message.get("method"), str):
        return NOTHING
    return message["id"] if "id" in message and readable(message["id"]) else None


ODD: tuple[Any, ...] = (ABSENT, None, True, 0, 1.5, 2**53 + 1, "", "x", "\ud800", [], [1], {}, {"__proto__": 1})


def places(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, child in node.items():
        yield (*path, key)
        if isinstance(child, dict):
            yield from places(child, (*path, key))


def fuzzed(era: str) -> Iterator[tuple[dict[str, Any], Any]]:
    """Every kind of message, and it again with every odd value at each of its places; ids are unlike."""
    ids = itertools.count(1_000_000)
    methods = [method for method in GOOD if method != "initialize"]
    kinds = [*(good(method, era) for method in methods), *itertools.islice(notifications(era), 1)]
    kinds += [envelope(method, {}, era) for method in ("ping", "server/discover", "no/such/method")]
    for kind in kinds:
        for path, value in itertools.product(list(places(kind)), ODD):
            message = copy.deepcopy(kind)
            if "id" in message:
                message["id"] = next(ids)
            yield kind, edited(message, path, value)


def dumps(message: Any) -> bytes:
    return json.dumps(message).encode()
