"""One tool call from admission to outcome, whatever the transport; free of MCP."""

import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import anyio

from .auth import Principal
from .errors import AppError, insufficient_scope
from .lifecycle import Lifecycle
from .limits import Bulkhead, RateLimiter
from .metrics import Metrics
from .observability import audit, correlation_id, get_logger
from .schemas import validate
from .settings import Settings
from .tools.registry import Contract, Tool
from .tools.tools import ToolContext

_log = get_logger("tools")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends the current request; `address` limits the rate of callers without a token."""

    principal: Principal
    address: str = "local"

    @property
    def key(self) -> str:
        """What the rate limit counts."""
        return self.principal.subject if self.principal.authenticated else self.address


@dataclass(frozen=True, slots=True)
class Ticket:
    """A call that has passed scope, rate limit and bulkhead; `deadline` is on the loop's clock."""

    tool: str
    arguments: Mapping[str, Any]
    deadline: float


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that was not let in; `name` is that of an existing tool, or None."""

    error: AppError
    who: Caller
    name: str | None = None


caller: ContextVar[Caller | None] = ContextVar("caller", default=None)
ticket: ContextVar[Ticket | None] = ContextVar("ticket", default=None)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call gives the client: structured content if it went well, and text in any case."""

    text: str
    structured: dict[str, Any] | None = None


class Dispatcher:
    """Admits calls and runs tools."""

    def __init__(
        self,
        settings: Settings,
        *,
        lifecycle: Lifecycle,
        limiter: RateLimiter,
        metrics: Metrics,
    ) -> None:
        self._timeout = settings.tool_timeout_seconds
        self._max_result_bytes = settings.max_result_bytes
        self._lifecycle = lifecycle
        self._limiter = limiter
        self._metrics = metrics
        self._bulkhead = Bulkhead(
            settings.max_concurrency,
            settings.max_queue,
            in_flight=metrics.in_flight,
            queued=metrics.queued,
        )

    @asynccontextmanager
    async def admit(
        self, tool: Tool, arguments: Mapping[str, Any], who: Caller
    ) -> AsyncIterator[Ticket]:
        """Hold a slot for a call of `tool`.

        Waiting for it counts towards the tool's timeout; when that is used up in the queue, the
        call goes on without a slot, only to answer `timeout`. Raises AppError for every refusal.
        """
        deadline = anyio.current_time() + self._timeout
        with self._lifecycle.call():
            check_scope(who.principal, tool.scope)
            await self._limiter.check(who.key)
            async with self._bulkhead.slot(deadline):
                admission = Ticket(tool.name, arguments, deadline)
                token = ticket.set(admission)
                try:
                    yield admission
                finally:
                    ticket.reset(token)

    async def call(self, tool: Tool, admission: Ticket, context: ToolContext) -> Outcome:
        """Run an admitted call and give account of it in logs, metrics and the audit trail."""
        arguments = admission.arguments
        started = time.perf_counter()
        facts: dict[str, Any] = {"tool_name": tool.name, "input_length": len(_dump(arguments))}
        outcome = "server_error"
        self.note_use(tool)
        try:
            result = await self._run(tool, admission, context)
        except AppError as error:
            outcome = error.category.value
            facts |= {"error_category": outcome, "error_code": error.code}
            return Outcome(error_text(error))
        except anyio.get_cancelled_exc_class():
            facts |= {"error_category": "client_error", "error_code": "cancelled"}
            outcome = "client_error"
            raise
        else:
            outcome = "success"
            facts["output_length"] = len(result.text)
            return result
        finally:
            seconds = time.perf_counter() - started
            self._metrics.tool_calls.labels(tool.name, outcome).inc()
            self._metrics.tool_duration.labels(tool.name).observe(seconds)
            succeeded = outcome == "success"
            log = _log.info if succeeded else _log.warning
            log(
                "tool.completed" if succeeded else "tool.failed",
                duration_ms=round(seconds * 1000, 3),
                success=succeeded,
                **facts,
            )
            audit(
                "tool_called",
                subject=context.subject,
                name=tool.name,
                outcome=outcome,
                scopes=[tool.scope],
                arguments=arguments,
            )

    def refused(self, refusal: Refusal) -> None:
        """Count and audit a refusal."""
        error = refusal.error
        self._metrics.rejected.labels(error.code).inc()
        audit(
            "denied",
            subject=refusal.who.principal.subject,
            name=refusal.name,
            outcome=error.code,
            scopes=error.details.get("required_scopes", ()),
        )

    def note_use(self, contract: Contract) -> None:
        """Count and log the use of a contract that is deprecated."""
        if contract.deprecated:
            self._metrics.deprecated_uses.labels(contract.name).inc()
            _log.warning("contract.deprecated_used", contract=contract.name)

    async def _run(self, tool: Tool, admission: Ticket, context: ToolContext) -> Outcome:
        """Return the tool's result; raises only AppError."""
        if anyio.current_time() >= admission.deadline:
            raise AppError("timeout")
        try:
            request = validate(tool.input, admission.arguments)
            with anyio.move_on_at(admission.deadline) as scope:
                result = await tool.run(request, context)
                structured = result.model_dump(mode="json", exclude_none=True)
                text = _dump(structured)
        except AppError:
            raise
        except Exception:  # noqa: BLE001 - a tool that fails must not take the server with it
            _log.exception("tool.crashed", tool_name=tool.name)
            raise AppError("internal") from None
        if scope.cancelled_caught:
            raise AppError("timeout")
        if len(text.encode("utf-8", "surrogatepass")) > self._max_result_bytes:
            raise AppError("result_too_large")
        return Outcome(text, structured)


def check_scope(principal: Principal, scope: str) -> None:
    """Raise AppError `insufficient_scope` unless the principal holds `scope`."""
    if not principal.allows(scope):
        raise insufficient_scope(scope)


def error_text(error: AppError) -> str:
    """Return the text of a tool error: `{"error": ...}`."""
    return _dump({"error": error.payload(correlation_id.get())})


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
