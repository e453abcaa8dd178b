"""Entry point: `python -m PACKAGE.main`, configured by the environment alone.

Exit codes: 0 after a signal or the end of stdin, 2 for invalid settings, 1 otherwise.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence

import anyio
from anyio.abc import ObjectReceiveStream, ObjectSendStream, TaskStatus
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCError, JSONRPCNotification, JSONRPCRequest, JSONRPCResponse

from . import NAME, __version__
from .lifecycle import Lifecycle
from .listener import Listener, listen
from .observability import configure_logging, get_logger
from .runtime import Runtime
from .server import build_server, create_app
from .settings import Settings, SettingsError, load, unknown_variables
from .tracing import configure_tracing, shutdown_tracing

_LAST_ANSWERS_SECONDS = 1.5

_log = get_logger(f"{__package__}.main")


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until told to stop; return the exit code."""
    if "--version" in (sys.argv[1:] if argv is None else argv):
        print(NAME, __version__)  # noqa: T201 - what was asked for
        return 0
    try:
        settings = load()
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201 - before logging is configured
        return 2
    configure_logging(settings.log_level, settings.log_format, debug=settings.debug_mode)
    configure_tracing(settings)
    for variable, suggestion in unknown_variables():
        _log.warning("settings.unknown_variable", variable=variable, suggestion=suggestion)
    serve = serve_http if settings.transport == "http" else serve_stdio
    code = 0
    try:
        asyncio.run(serve(settings))
    except* BrokenPipeError:
        _log.info("server.stopped", reason="the client went away")
    except* OSError as failed:
        _log.error("server.failed", reason=str(failed.exceptions[0]))
        code = 1
    finally:
        shutdown_tracing()
    return code


async def serve_http(settings: Settings) -> None:
    """Serve HTTP until SIGTERM or SIGINT; raises OSError when the address cannot be had."""
    listening = listen(settings.server_host, settings.server_port)
    settings = settings.model_copy(update={"server_port": listening.getsockname()[1]})
    runtime = Runtime.build(settings)
    listener = Listener(create_app(settings, runtime), runtime.lifecycle)
    runtime.metrics.watch_connections(lambda: listener.connections)
    await listener.serve([listening])


async def serve_stdio(settings: Settings) -> None:
    """Serve stdin and stdout until stdin ends or a signal comes.

    While it serves, the SDK points file descriptor 1 at stderr: a stray print cannot harm the
    protocol.
    """
    runtime = Runtime.build(settings)
    server = build_server(runtime)
    async with runtime.running(), stdio_server() as (lines_in, lines_out):
        pending = Pending(runtime.lifecycle)
        into_server, messages = anyio.create_memory_object_stream[SessionMessage | Exception]()
        answers, from_server = anyio.create_memory_object_stream[SessionMessage]()
        async with anyio.create_task_group() as serving:
            await serving.start(_stop_on_signal, runtime, pending)
            _log.info("server.started", transport="stdio", host=None, port=None)
            async with anyio.create_task_group() as relays:
                relays.start_soon(pending.relay_in, lines_in, into_server)
                relays.start_soon(pending.relay_out, from_server, lines_out)
                await server.run(messages, answers, server.create_initialization_options())
            serving.cancel_scope.cancel()
    _log.info("server.stopped")


class Pending:
    """Requests that were read and not answered yet: stdin's end must not cut their answers off."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self._lifecycle = lifecycle
        self._ids: set[str | int] = set()
        self._answered = anyio.Event()

    async def relay_in(
        self,
        source: ObjectReceiveStream[SessionMessage | Exception],
        sink: ObjectSendStream[SessionMessage | Exception],
    ) -> None:
        """Pass on what is read; at its end, wait for the last answers before saying so."""
        async with sink:
            async for item in source:
                if isinstance(item, Exception):
                    _log.warning("stdio.malformed_line")
                    continue
                match item.message:
                    case JSONRPCRequest(id=request_id):
                        self._ids.add(request_id)
                    case JSONRPCNotification(
                        method="notifications/cancelled", params={"requestId": request_id}
                    ):
                        self._settle(request_id)
                await sink.send(item)
            self._lifecycle.stopping()
            await self.wait(_LAST_ANSWERS_SECONDS)

    async def relay_out(
        self,
        source: ObjectReceiveStream[SessionMessage],
        sink: ObjectSendStream[SessionMessage],
    ) -> None:
        """Pass on what is answered."""
        async with sink:
            async for item in source:
                await sink.send(item)
                if isinstance(item.message, JSONRPCResponse | JSONRPCError):
                    self._settle(item.message.id)

    async def wait(self, seconds: float) -> None:
        """Wait until nothing is pending, at most `seconds`."""
        with anyio.move_on_after(seconds):
            while self._ids:
                self._answered = anyio.Event()
                await self._answered.wait()

    def _settle(self, request_id: object) -> None:
        self._ids.discard(request_id)
        self._answered.set()


async def _stop_on_signal(
    runtime: Runtime, pending: Pending, *, task_status: TaskStatus[None]
) -> None:
    """Stop as on HTTP; the thread that waits for stdin cannot be stopped, so the process exits."""
    if sys.platform == "win32":
        task_status.started()
        return  # No such signals: Windows clients close stdin.
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        task_status.started()
        async for _ in signals:
            await runtime.lifecycle.stop()
            await runtime.lifecycle.drain()
            await pending.wait(_LAST_ANSWERS_SECONDS)
            await runtime.operations.aclose()
            _log.info("server.stopped")
            shutdown_tracing()
            os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
