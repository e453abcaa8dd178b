"""MCP over HTTP as bytes on the wire, in both protocol eras, without a client library in between."""

from __future__ import annotations

import itertools
import json
import socket
import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx2

MODERN = "2026-07-28"
LEGACY = "2025-11-25"
ERAS = (MODERN, LEGACY)
NAME_KEYS = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
META = "io.modelcontextprotocol/"
ACCEPT = "application/json, text/event-stream"
# A young connection acknowledges at once, which would hide an answer that waits for it.
LATE_ACKNOWLEDGEMENTS = [(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)] if hasattr(socket, "TCP_QUICKACK") else []
PARSE, REQUEST, PARAMS = -32700, -32600, -32602
"""The protocol's own codes, used by refusals of messages that are not well formed."""
TITLES = {PARSE: "Parse error", REQUEST: "Invalid request"}

_ids = itertools.count(1)


def request_id() -> str:
    """A correlation id of our own, to find a call's log lines by."""
    return f"kit-{uuid.uuid4().hex}"


def envelope(method: str, params: dict[str, Any] | None, era: str) -> dict[str, Any]:
    """One JSON-RPC request as a client of that era writes it."""
    params = dict(params or {})
    if era == MODERN:
        own = {
            f"{META}protocolVersion": MODERN,
            f"{META}clientCapabilities": {},
            f"{META}clientInfo": {"name": "kit", "version": "1"},
        }
        params["_meta"] = own | params.get("_meta", {})
    return {"jsonrpc": "2.0", "id": next(_ids), "method": method, "params": params}


@dataclass(frozen=True)
class Reply:
    """An answer and the JSON-RPC messages in it, be it JSON, an event stream or lines."""

    status: int
    headers: httpx2.Headers
    text: str
    messages: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, response: httpx2.Response) -> Reply:
        text = response.text
        kind = response.headers.get("content-type", "")
        bodies: list[str] = []
        if kind.startswith("text/event-stream"):
            events = text.replace("\r\n", "\n").split("\n\n")
            bodies = [
                "\n".join(line[5:].lstrip() for line in event.split("\n") if line.startswith("data:"))
                for event in events
            ]
        elif kind.startswith("application/json"):
            bodies = [text]
        messages = [json.loads(body) for body in bodies if body]
        return cls(response.status_code, response.headers, text, [m for m in messages if isinstance(m, dict)])

    @classmethod
    def of_lines(cls, messages: list[dict[str, Any]]) -> Reply:
        return cls(200, httpx2.Headers(), json.dumps(messages), messages)

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def answer(self) -> dict[str, Any]:
        """The one response among the messages (the others are notifications)."""
        answers = [message for message in self.messages if "method" not in message]
        assert len(answers) == 1, f"{self.status} {self.text[:500]}"
        return answers[0]

    @property
    def result(self) -> dict[str, Any]:
        assert "result" in self.answer, self.text[:500]
        return self.answer["result"]

    @property
    def error(self) -> dict[str, Any]:
        """The JSON-RPC error."""
        assert "error" in self.answer, self.text[:500]
        return self.answer["error"]

    @property
    def refusal(self) -> dict[str, Any]:
        """The standard's error inside a refusal; checks the frame around it."""
        code, data = self.error["code"], self.error["data"]
        if code in (PARSE, REQUEST, PARAMS):
            assert (self.status, data["code"]) == (400, "invalid_request"), self.text[:500]
        else:
            assert code == self.status, self.text[:500]
        assert self.error["message"] == TITLES.get(code, data["message"]), self.text[:500]
        return data

    @property
    def output(self) -> dict[str, Any]:
        """The structured output of a successful tool call; checks that the text says the same."""
        assert not self.result.get("isError"), self.text[:500]
        assert json.loads(self.result["content"][0]["text"]) == self.result["structuredContent"]
        return self.result["structuredContent"]

    @property
    def tool_error(self) -> dict[str, Any]:
        """The standard's error inside a failed tool call; checks the frame around it."""
        assert self.status == 200, self.text[:500]
        return tool_error(self.result)


def tool_error(result: dict[str, Any]) -> dict[str, Any]:
    assert result.get("isError") is True, result
    assert [part["type"] for part in result["content"]] == ["text"]
    body = json.loads(result["content"][0]["text"])
    assert list(body) == ["error"]
    return body["error"]


class Caller:
    """What a client asks on either transport."""

    era: str

    def rpc(self, method: str, params: dict[str, Any] | None = None, **headers: str | None) -> Reply:
        raise NotImplementedError

    def exchange(self, message: dict[str, Any], sent: dict[str, Any]) -> Reply:
        """Send `sent` as if it were that message, and return the answer to its id."""
        raise NotImplementedError

    def call(self, tool: str, arguments: Any = None, **headers: str | None) -> Reply:
        params = {"name": tool} if arguments is None else {"name": tool, "arguments": arguments}
        return self.rpc("tools/call", params, **headers)

    def read(self, uri: str, **headers: str | None) -> Reply:
        return self.rpc("resources/read", {"uri": uri}, **headers)

    def settings(self) -> dict[str, Any]:
        """What config://server-settings tells."""
        return json.loads(self.read("config://server-settings").result["contents"][0]["text"])

    def tools(self) -> dict[str, dict[str, Any]]:
        return {tool["name"]: tool for tool in self.rpc("tools/list").result["tools"]}


class Wire(Caller):
    """An HTTP client of one server; the token and era it is made with go with every request."""

    def __init__(self, url: str, *, token: str | None = None, era: str = MODERN) -> None:
        self.url = url
        self.era = era
        self._headers = {"authorization": f"Bearer {token}"} if token is not None else {}
        transport = httpx2.HTTPTransport(trust_env=False, socket_options=LATE_ACKNOWLEDGEMENTS)
        self._client = httpx2.Client(base_url=url, trust_env=False, timeout=30, transport=transport)
        del self._client.headers["accept"]

    def close(self) -> None:
        self._client.close()

    def send(self, method: str, path: str, headers: dict[str, str] | None = None, content: Any = None) -> Reply:
        """Send anything at all."""
        return Reply.of(self._client.request(method, path, headers=headers, content=content))

    def get(self, path: str, **headers: str) -> Reply:
        return self.send("GET", path, {name.replace("_", "-"): value for name, value in headers.items()})

    def headers(self, message: dict[str, Any], **extra: str | None) -> dict[str, str]:
        """What a client of this era sends with that message; underscores in names stand for dashes, None drops one."""
        headers: dict[str, str | None] = {
            "content-type": "application/json",
            "accept": ACCEPT,
            "mcp-protocol-version": self.era,
            **self._headers,
        }
        if self.era == MODERN:
            headers["mcp-method"] = message["method"]
            if key := NAME_KEYS.get(message["method"]):
                headers["mcp-name"] = message["params"].get(key)
        headers |= {name.replace("_", "-"): value for name, value in extra.items()}
        return {name: value for name, value in headers.items() if value is not None}

    def rpc(self, method: str, params: dict[str, Any] | None = None, **headers: str | None) -> Reply:
        return self.post(envelope(method, params, self.era), **headers)

    def exchange(self, message: dict[str, Any], sent: dict[str, Any]) -> Reply:
        return self.post(message, json.dumps(sent))

    def post(self, message: dict[str, Any], content: Any = None, path: str = "/mcp", **headers: str | None) -> Reply:
        """Send that message, or other bytes in its place."""
        body = json.dumps(message) if content is None else content
        return self.send("POST", path, self.headers(message, **headers), body)
