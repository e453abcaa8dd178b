"""stdio: a message a line. No line ends the server, and what was read is answered.

The process's own stdin and stdout are moved aside: a stray print goes to stderr, not to the client.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import suppress
from threading import Thread

import anyio
from anyio.abc import TaskStatus
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from mcp_types import (
    INVALID_REQUEST,
    ErrorData,
    JSONRPCError,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
)

from .. import strict_json
from ..app import App
from ..declarations import Server
from ..lifecycle import SAME_SIGNAL_SECONDS
from ..observability.logs import get_logger, new_correlation_id
from ..settings.settings import Settings
from ..text import well_formed
from .messages import PARSE_ERROR, InvalidRequestError, escape_line_breaks, parse, readable_id
from .protocol import build_server

_LAST_ANSWERS_SECONDS = 1.5
_CHUNK_BYTES = 65_536

_log = get_logger(__name__)


async def serve_stdio(server: Server, settings: Settings) -> None:
    """Serve stdin and stdout until stdin ends, a signal comes or the client goes away."""
    app = App.build(server, settings)
    protocol = build_server(app)
    wire_in, wire_out = _claim_standard_streams()
    async with app.running():
        messages_in, messages = anyio.create_memory_object_stream[SessionMessage | Exception]()
        answers_in, answers = anyio.create_memory_object_stream[SessionMessage]()
        conversation = Conversation(app, messages_in, wire_out)
        async with anyio.create_task_group() as serving:
            await serving.start(_stop_on_signal, conversation, serving.cancel_scope)
            _log.info("server.started", transport="stdio", host=None, port=None)
            _start_reading(wire_in, conversation, settings.max_body_bytes)
            serving.start_soon(conversation.write, answers)
            options = protocol.create_initialization_options()
            await protocol.run(messages, answers_in, options)
            serving.cancel_scope.cancel()
    _log.info("server.stopped")


class Conversation:
    """The lines that come in and go out, and the requests that wait for an answer."""

    def __init__(
        self, app: App, messages: MemoryObjectSendStream[SessionMessage | Exception], wire_out: int
    ) -> None:
        self._lifecycle = app.lifecycle
        self._messages = messages
        self._wire_out = wire_out
        self._writing = anyio.Lock()
        self._pending: set[str | int] = set()
        self._answered = anyio.Event()

    async def read(self, line: bytes | None) -> None:
        """Pass a line on to the server, or answer it here; None stands for one that is too long."""
        if line is None:
            await self._refuse(InvalidRequestError(INVALID_REQUEST, "line is larger than allowed"))
        elif line.strip():
            try:
                message = parse(line)
            except InvalidRequestError as error:
                await self._refuse(error)
            else:
                await self._pass(message)

    async def end(self) -> None:
        """Wait for the last answers after the end of stdin, then tell the server."""
        self._lifecycle.stopping()
        await self._wait(_LAST_ANSWERS_SECONDS)
        await self._messages.aclose()

    async def stop(self) -> None:
        """Stop as over HTTP: refuse new calls, finish those in flight."""
        await self._lifecycle.stop()
        await self._lifecycle.drain()
        await self._wait(_LAST_ANSWERS_SECONDS)

    async def write(self, answers: MemoryObjectReceiveStream[SessionMessage]) -> None:
        """Send what the server answers."""
        async for item in answers:
            await self._send(item.message)

    async def _pass(self, message: dict[str, object]) -> None:
        if "id" in message:
            request = JSONRPCRequest.model_validate(message)
            self._pending.add(request.id)
            await self._messages.send(SessionMessage(request))
            return
        notification = JSONRPCNotification.model_validate(message)
        if notification.method == "notifications/cancelled":
            cancelled = readable_id({"id": (notification.params or {}).get("requestId")})
            if cancelled is None:
                _log.warning("stdio.malformed_line", reason="no request to cancel")
                return
            self._settle(cancelled)
        await self._messages.send(SessionMessage(notification))

    async def _refuse(self, error: InvalidRequestError) -> None:
        """Log a line that is no message; answer it if there is someone who may wait."""
        _log.warning("stdio.malformed_line", reason=error.message)
        if error.rpc_code == PARSE_ERROR or error.is_notification:
            return
        told = ErrorData(
            code=error.rpc_code, message=error.title, data=error.payload(new_correlation_id())
        )
        await self._send(JSONRPCError(jsonrpc="2.0", id=error.request_id, error=told))

    async def _send(
        self, message: JSONRPCRequest | JSONRPCNotification | JSONRPCResponse | JSONRPCError
    ) -> None:
        try:
            text = message.model_dump_json(by_alias=True, exclude_unset=True)
        except ValueError:  # half a character
            fields = message.model_dump(mode="python", by_alias=True, exclude_unset=True)
            text = strict_json.dumps(well_formed(fields))
        line = escape_line_breaks(text.encode()) + b"\n"
        async with self._writing:
            await anyio.to_thread.run_sync(_write, self._wire_out, line)
        if isinstance(message, JSONRPCResponse | JSONRPCError):
            self._settle(message.id)

    async def _wait(self, seconds: float) -> None:
        """Wait until nothing is pending, at most `seconds`."""
        with anyio.move_on_after(seconds):
            while self._pending:
                self._answered = anyio.Event()
                await self._answered.wait()

    def _settle(self, request_id: str | int | None) -> None:
        if request_id is not None:
            self._pending.discard(request_id)
            self._answered.set()


async def _stop_on_signal(
    conversation: Conversation, serving: anyio.CancelScope, *, task_status: TaskStatus[None]
) -> None:
    """End well at the first signal and at once at the second."""
    if sys.platform == "win32":
        task_status.started()
        return  # No such signals: Windows clients close stdin.

    async def stop() -> None:
        await conversation.stop()
        serving.cancel()

    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        task_status.started()
        async with anyio.create_task_group() as stopping:
            await anext(signals)
            told_at = anyio.current_time()
            stopping.start_soon(stop)
            async for _ in signals:
                if anyio.current_time() - told_at > SAME_SIGNAL_SECONDS:
                    os._exit(1)


def _claim_standard_streams() -> tuple[int, int]:
    """Return stdin and stdout for the protocol alone; who prints from now on prints to stderr."""
    wire_in, wire_out = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return wire_in, wire_out


def _start_reading(wire_in: int, conversation: Conversation, limit: int) -> None:
    """Read lines in a thread of its own: it waits for ever, and the process need not."""
    loop = asyncio.get_running_loop()

    def read() -> None:
        ended = (CancelledError, RuntimeError, anyio.ClosedResourceError, anyio.BrokenResourceError)
        with suppress(*ended):  # the server has stopped: nobody reads on
            with suppress(OSError):
                for line in _lines(wire_in, limit):
                    asyncio.run_coroutine_threadsafe(conversation.read(line), loop).result()
            asyncio.run_coroutine_threadsafe(conversation.end(), loop).result()

    Thread(target=read, daemon=True).start()


def _lines(wire_in: int, limit: int) -> Iterator[bytes | None]:
    """Yield each line without its end; None for one longer than `limit`, which is not kept."""
    line, too_long = bytearray(), False
    while chunk := os.read(wire_in, _CHUNK_BYTES):
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            line += end
            yield None if too_long or len(line) > limit else bytes(line)
            line, too_long = bytearray(), False
        line += rest
        if len(line) > limit:
            line, too_long = bytearray(), True
    if line or too_long:
        yield None if too_long else bytes(line)


def _write(wire_out: int, line: bytes) -> None:
    while line:
        line = line[os.write(wire_out, line) :]
