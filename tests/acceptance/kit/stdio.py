"""MCP over a child process's pipes, line by line."""

from __future__ import annotations

import json
import queue
import threading
from typing import TYPE_CHECKING, Any, Self

from kit.process import START_PATIENCE, Process
from kit.wire import MODERN, envelope

if TYPE_CHECKING:
    from types import TracebackType


class Stdio:
    """Speaks JSON-RPC with a process; everything on stdout that is no JSON is kept in `noise`."""

    def __init__(self, process: Process, era: str = MODERN) -> None:
        self.process = process
        self.era = era
        self.noise: list[str] = []
        self._messages: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        if era != MODERN:
            self._handshake()

    def _read(self) -> None:
        for line in self.process.stdout:
            try:
                self._messages.put(json.loads(line))
            except ValueError:
                self.noise.append(line)
        self._messages.put(None)

    def _handshake(self) -> None:
        params = {"protocolVersion": self.era, "capabilities": {}, "clientInfo": {"name": "kit", "version": "1"}}
        assert "result" in self.answer(self.send("initialize", params))
        self.write(json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}))

    def write(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def send(self, method: str, params: dict[str, Any] | None = None) -> int:
        """Send a request and return its id."""
        message = envelope(method, params, self.era)
        self.write(json.dumps(message))
        return message["id"]

    def answer(self, request: int | None) -> dict[str, Any]:
        """The response to that request; what comes before it is dropped."""
        while (message := self._messages.get(timeout=START_PATIENCE)) is not None:
            if "method" not in message and message.get("id") == request:
                return message
        text = f"stdout ended before the answer to {request}; stderr:\n{self.process.log.text[-4000:]}"
        raise AssertionError(text)

    def call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """The result of a tool call."""
        return self.answer(self.send("tools/call", {"name": tool, "arguments": arguments}))["result"]

    def close(self) -> None:
        """Close stdin: the client goes away."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def rest(self) -> list[dict[str, Any]]:
        """Everything that still comes until stdout ends."""
        return list(iter(lambda: self._messages.get(timeout=START_PATIENCE), None))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.process.stop()
