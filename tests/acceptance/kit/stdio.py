"""MCP over a child process's pipes, line by line."""

from __future__ import annotations

import json
import queue
import threading
from typing import TYPE_CHECKING, Any, Self

from kit.process import PATIENCE, START_PATIENCE, Process
from kit.wire import MODERN, Caller, Reply, envelope

if TYPE_CHECKING:
    from types import TracebackType


class Stdio(Caller):
    """Speaks JSON-RPC with a process; everything on stdout that is no JSON is kept in `noise`."""

    def __init__(self, process: Process, era: str = MODERN, *, handshake: bool = True) -> None:
        self.process = process
        self.era = era
        self.noise: list[str] = []
        self.last_line = b""
        self._messages: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        if era != MODERN and handshake:
            self._handshake()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.last_line = line
            try:
                self._messages.put(json.loads(line))
            except ValueError:
                self.noise.append(line.decode("utf-8", "replace"))
        self._messages.put(None)

    def _handshake(self) -> None:
        params = {"protocolVersion": self.era, "capabilities": {}, "clientInfo": {"name": "kit", "version": "1"}}
        assert self.rpc("initialize", params).result
        self.write(json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}))

    def write(self, line: str | bytes, end: bytes = b"\n") -> None:
        """Send one line, whatever it holds."""
        stdin = self.process.stdin
        assert stdin is not None
        stdin.write((line if isinstance(line, bytes) else line.encode()) + end)
        stdin.flush()

    def send(self, method: str, params: dict[str, Any] | None = None) -> int:
        """Send a request and return its id."""
        message = envelope(method, params, self.era)
        self.write(json.dumps(message))
        return message["id"]

    def reply(self, request: Any) -> Reply:
        """The response to that request, and the notifications before it; other responses are dropped."""
        notifications: list[dict[str, Any]] = []
        while True:
            message = self._message(f"the answer to {request}")
            if "method" in message:
                notifications.append(message)
            elif message.get("id") == request:
                return Reply.of_lines([*notifications, message])

    def next(self) -> dict[str, Any]:
        """The next response, to whatever it is."""
        while "method" in (message := self._message("an answer")):
            pass
        return message

    def _message(self, what: str) -> dict[str, Any]:
        try:
            message = self._messages.get(timeout=PATIENCE if self.last_line else START_PATIENCE)
        except queue.Empty:
            message = None
        assert message is not None, f"{what} did not come; stderr:\n{self.process.log.text[-4000:]}"
        return message

    def rpc(self, method: str, params: dict[str, Any] | None = None, **_: str | None) -> Reply:
        """Ask and wait for the answer; there are no headers here."""
        return self.reply(self.send(method, params))

    def exchange(self, _: dict[str, Any], sent: dict[str, Any]) -> Reply:
        self.write(json.dumps(sent))
        return self.reply(sent["id"])

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
