"""Entry point: `python -m PACKAGE.main`, configured by the environment alone.

Exit codes: 0 after a signal or the end of stdin, 2 for invalid settings, 1 otherwise.
"""

import asyncio
import gc
import sys
from collections.abc import Sequence

from .chassis import NAME, VERSION
from .chassis.declarations import Server
from .chassis.observability.logs import configure_logging, get_logger
from .chassis.observability.tracing import configure_tracing, shutdown_tracing
from .chassis.settings.environment import SettingsError, load, unknown_variables
from .chassis.transports.http import serve_http
from .chassis.transports.stdio import serve_stdio
from .server import SERVER

_log = get_logger(f"{__package__}.main")


def main(argv: Sequence[str] | None = None, server: Server = SERVER) -> int:
    """Serve until told to stop; return the exit code."""
    if "--version" in (sys.argv[1:] if argv is None else argv):
        print(NAME, VERSION)  # noqa: T201 - what was asked for
        return 0
    try:
        settings = load(server.settings, (tool.name for tool in server.tools))
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201 - before logging is configured
        return 2
    configure_logging(settings.log_level, settings.log_format, debug=settings.debug_mode)
    configure_tracing(settings.otlp_endpoint, settings.server_name)
    for variable, suggestion in unknown_variables(server.settings):
        _log.warning("settings.unknown_variable", variable=variable, suggestion=suggestion)
    gc.freeze()  # what is loaded by now stays loaded: no collection need look through it
    serve = serve_http if settings.transport == "http" else serve_stdio
    code = 0
    try:
        asyncio.run(serve(server, settings))
    except* BrokenPipeError:
        _log.info("server.stopped", reason="the client went away")
    except* OSError as failed:
        _log.error("server.failed", reason=str(failed.exceptions[0]))
        code = 1
    finally:
        shutdown_tracing()
    return code


if __name__ == "__main__":
    sys.exit(main())
