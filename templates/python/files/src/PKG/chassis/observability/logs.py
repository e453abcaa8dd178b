"""Logs: JSON lines on stderr, tied together by a correlation id.

stdout belongs to the protocol on stdio, so nothing here ever writes to it.
"""

import json
import logging
import re
import sys
import uuid
from contextvars import ContextVar
from datetime import UTC, datetime

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

correlation_id: ContextVar[str] = ContextVar("correlation_id", default="")

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


def new_correlation_id(candidate: str | None = None) -> str:
    """Return `candidate` when it is a well-formed request id, else a new UUID."""
    if candidate is not None and _REQUEST_ID.fullmatch(candidate):
        return candidate
    return str(uuid.uuid4())


def get_logger(name: str) -> FilteringBoundLogger:
    """Return the logger called `name`; usable at import time, before logging is configured."""
    logger: FilteringBoundLogger = structlog.get_logger(logger_name=name)
    return logger


def _stamp(_: WrappedLogger, method: str, event: EventDict) -> EventDict:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    event["timestamp"] = f"{now[:-6]}Z"
    event["level"] = "ERROR" if method == "exception" else method.upper()
    if name := event.pop("logger_name", None):
        event["logger"] = name
    event.setdefault("correlation_id", correlation_id.get() or None)
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
        _stamp,
        structlog.processors.format_exc_info if debug else _drop_traceback,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(serializer=_to_json)
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    numeric = logging.getLevelNamesMapping()[level]
    structlog.configure(
        processors=[*shared, renderer],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(numeric),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_logger_name,
                structlog.stdlib.PositionalArgumentsFormatter(),
                *shared,
            ],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(numeric)
    # Libraries narrate every request at INFO; our own events already do, with more in them.
    for library in ("mcp", "sse_starlette", "httpx2", "httpcore2", "uvicorn", "stamina"):
        logging.getLogger(library).setLevel(max(logging.WARNING, root.level))
