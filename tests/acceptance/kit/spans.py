"""Receives OpenTelemetry traces over HTTP and reads the few fields that tests need from the protobuf."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kit.stub import Answer, Request, Stub

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Span:
    trace_id: str
    span_id: str
    parent_id: str
    name: str


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The length-delimited fields of one protobuf message; others are skipped."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        match tag & 7:
            case 0:
                _, at = _varint(data, at)
            case 1:
                at += 8
            case 5:
                at += 4
            case _:
                size, at = _varint(data, at)
                yield tag >> 3, data[at : at + size]
                at += size


def _children(data: bytes, number: int) -> Iterator[bytes]:
    return (value for field, value in _fields(data) if field == number)


def from_protobuf(data: bytes) -> list[Span]:
    """Decode an ExportTraceServiceRequest; a span has its ids in fields 1, 2 and 4 and its name in 5."""
    raw = [
        dict(_fields(span))
        for resource in _children(data, 1)
        for scope in _children(resource, 2)
        for span in _children(scope, 2)
    ]
    return [Span(span[1].hex(), span[2].hex(), span.get(4, b"").hex(), span[5].decode()) for span in raw]


def from_json(document: dict[str, Any]) -> list[Span]:
    raw = [
        span for resource in document["resourceSpans"] for scope in resource["scopeSpans"] for span in scope["spans"]
    ]
    return [Span(span["traceId"], span["spanId"], span.get("parentSpanId") or "", span["name"]) for span in raw]


class Traces(Stub):
    """An OTLP/HTTP collector."""

    def answer(self, _: Request) -> Answer:
        return Answer(body=b"", headers={"content-type": "application/x-protobuf"})

    @property
    def spans(self) -> list[Span]:
        return [
            span for request in list(self.requests) if request.path == "/v1/traces" for span in self._decode(request)
        ]

    @property
    def raw(self) -> bytes:
        return b"".join(self._body(request) for request in list(self.requests))

    @staticmethod
    def _body(request: Request) -> bytes:
        return gzip.decompress(request.body) if request.headers.get("content-encoding") == "gzip" else request.body

    def _decode(self, request: Request) -> list[Span]:
        body = self._body(request)
        is_json = request.headers.get("content-type", "").startswith("application/json")
        return from_json(json.loads(body)) if is_json else from_protobuf(body)
