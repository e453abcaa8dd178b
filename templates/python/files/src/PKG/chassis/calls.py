"""The choke point: every tool call is admitted, run and accounted for here, on any transport."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import anyio

from . import strict_json
from .context import Caller, Context, Principal
from .declarations import Contract, Tool
from .errors import AppError, insufficient_scope
from .lifecycle import Lifecycle
from .limits import Bulkhead, RateLimiter, Slot, Waits
from .observability.audit import audit, digest
from .observability.logs import correlation_id, get_logger
from .observability.metrics import Metrics
from .schemas import validate
from .settings.settings import Settings
from .text import well_formed

_WAITS_IN_ALL = 4

_log = get_logger("tools")


@dataclass(slots=True)
class Admission:
    """A call that has passed scope, rate limit and bulkhead; `deadline` is on the loop's clock."""

    tool: Tool[Any, Any]
    arguments: Mapping[str, Any]
    who: Caller
    deadline: float
    slot: Slot | None
    waits: Waits
    leave: Callable[[], None]

    @contextmanager
    def waiting(self) -> Iterator[bool]:
        """Give the slot back for a wait; gives False when too many wait already."""
        with self.waits.one(self.who.key) as allowed:
            if allowed:
                self._give_back()
            yield allowed

    def close(self) -> None:
        """End the call."""
        self._give_back()
        self.leave()

    def _give_back(self) -> None:
        if self.slot:
            self.slot.release()


admitted: ContextVar[Admission | None] = ContextVar("admitted", default=None)
"""The admission of the current request, where the transport has seen to it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call gives the client: structured content if it went well, and text in any case."""

    text: str
    structured: dict[str, Any] | None = None


class Calls:
    """Admits calls and runs tools."""

    def __init__(
        self, settings: Settings, *, lifecycle: Lifecycle, limiter: RateLimiter, metrics: Metrics
    ) -> None:
        self._timeout = settings.tool_timeout_seconds
        self._max_result_bytes = settings.max_result_bytes
        self._lifecycle = lifecycle
        self._limiter = limiter
        self._metrics = metrics
        self._bulkhead = Bulkhead(settings.max_concurrency, settings.max_queue)
        self._waits = Waits(settings.max_concurrency, _WAITS_IN_ALL * settings.max_concurrency)
        metrics.watch_calls(lambda: self._bulkhead.held, lambda: self._bulkhead.waiting)

    async def admit(
        self, tool: Tool[Any, Any], arguments: Mapping[str, Any], who: Caller
    ) -> Admission:
        """Let a call of `tool` in, to be closed by the caller; raises AppError for every refusal.

        Waiting for a slot counts towards the tool's timeout; when that is used up in the queue,
        the call goes on without a slot, only to answer `timeout`.
        """
        deadline = anyio.current_time() + min(tool.timeout_seconds or self._timeout, self._timeout)
        check_scope(who.principal, tool.scope)
        self._lifecycle.enter()
        try:
            await self._limiter.check(who.key)
            slot = await self._bulkhead.acquire(who.key, deadline)
        except BaseException:
            self._lifecycle.leave()
            raise
        return Admission(tool, arguments, who, deadline, slot, self._waits, self._lifecycle.leave)

    async def run(self, admission: Admission, context: Context) -> Outcome:
        """Run an admitted call and give account of it in logs, metrics and the audit trail."""
        tool = admission.tool
        started = time.perf_counter()
        arguments = json.dumps(
            admission.arguments, ensure_ascii=False, separators=(",", ":"), sort_keys=True
        )
        facts: dict[str, Any] = {"input_length": len(arguments)}
        outcome = "server_error"
        self.note_use(tool)
        try:
            result = await self._run(admission, context)
        except AppError as error:
            outcome = error.category.value
            facts |= {"error_category": outcome, "error_code": error.code}
            return Outcome(error_text(error))
        except anyio.get_cancelled_exc_class():
            outcome = "client_error"
            facts |= {"error_category": outcome, "error_code": "cancelled"}
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
                tool_name=tool.name,
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
                arguments_digest=digest(arguments),
            )

    def refused(self, error: AppError, who: Caller, tool: str | None = None) -> None:
        """Count and audit a refusal; `tool` is the name of an existing one."""
        self._metrics.rejected.labels(error.code).inc()
        audit(
            "denied",
            subject=who.principal.subject,
            name=tool,
            outcome=error.code,
            scopes=error.details.get("required_scopes", ()),
        )

    def note_use(self, contract: Contract) -> None:
        """Count and log the use of a contract that is deprecated."""
        if contract.deprecated:
            self._metrics.deprecated_uses.labels(contract.name).inc()
            _log.warning("contract.deprecated_used", contract=contract.name)

    async def _run(self, admission: Admission, context: Context) -> Outcome:
        """Return the tool's result; raises only AppError."""
        if anyio.current_time() >= admission.deadline:
            raise AppError("timeout")
        tool = admission.tool
        try:
            request = validate(tool.input, admission.arguments)
            with anyio.move_on_at(admission.deadline) as scope:
                result = await tool.run(request, context)
                structured = well_formed(result.model_dump(mode="json", exclude_none=True))
                text = strict_json.dumps(structured)
        except AppError:
            raise
        except Exception:  # noqa: BLE001 - a tool that fails must not take the server with it
            _log.exception("tool.crashed", tool_name=tool.name)
            raise AppError("internal") from None
        if scope.cancelled_caught:
            raise AppError("timeout")
        if len(text.encode()) > self._max_result_bytes:
            raise AppError("result_too_large")
        return Outcome(text, structured)


def check_scope(principal: Principal, scope: str) -> None:
    """Raise AppError `insufficient_scope` unless the principal holds `scope`."""
    if not principal.allows(scope):
        raise insufficient_scope(scope)


def error_text(error: AppError) -> str:
    """Return the text of a tool error: `{"error": ...}`."""
    return strict_json.dumps({"error": error.payload(correlation_id.get())})
