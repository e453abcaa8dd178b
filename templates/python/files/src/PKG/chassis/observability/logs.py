"""Logs: JSON lines on stderr, tied together by a correlation id.

stdout belongs to the protocol on stdio, so nothing here ever writes to it.
"""

import json
import logging
import re
import sys
import uuid
from contextvars import ContextVar

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

correlation_id: ContextVar[str] = ContextVar("correlation_id", default="")

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


def new_correlation_id(candidate: str | None = None) -> str:
    """Return `candidate` when it is a well-formed request id, else a new UUID."""
    if candidate is not None and _REQUEST_ID.fullmatch(candidate):
        return candidate
    return str(uuid.uuid4())


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger called `name`; usable at import time, before logging is configured."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def _add_correlation_id(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    event.setdefault("correlation_id", correlation_id.get() or None)
    return event


def _upper_level(_: WrappedLogger, method: str, event: EventDict) -> EventDict:
    event["level"] = event.get("level", method).upper()
    return event


def _drop_traceback(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Keep what was raised, not where: tracebacks are for debug mode."""
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["exception_type"] = type(error).__qualname__
    return event


_LEADING = ("timestamp", "level", "event", "logger", "correlation_id")


def _to_json(event: EventDict, **_: object) -> str:
    ordered = {key: event.pop(key, None) for key in _LEADING} | dict(event)
    return json.dumps(ordered, default=str, ensure_ascii=False)


def configure_logging(level: str, log_format: str, *, debug: bool) -> None:
    """Send the logs of this package and of every library to stderr, one line each.

    `log_format` is `json` or `console`; `debug` adds tracebacks.
    """
    shared: list[Processor] = [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        _upper_level,
        structlog.processors.TimeStamper(fmt="%Y-%m-%dT%H:%M:%S.%f", utc=True),
        _milliseconds,
        _add_correlation_id,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.format_exc_info if debug else _drop_traceback,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(serializer=_to_json)
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # Libraries narrate every request at INFO; our own events already do, with more in them.
    for library in ("mcp", "sse_starlette", "httpx2", "httpcore2", "uvicorn", "stamina"):
        logging.getLogger(library).setLevel(max(logging.WARNING, root.level))


def _milliseconds(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    event["timestamp"] = f"{event['timestamp'][:-3]}Z"
    return event
