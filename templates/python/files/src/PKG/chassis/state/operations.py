"""Long-running operations: started by a call, worked on in the background, kept in the store."""

import asyncio
import hashlib
import json
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ..errors import AppError
from ..observability.logs import get_logger
from .store import Operation, OperationStore, Request

_BEAT_SECONDS = 5.0
_UPDATE_RETRY_SECONDS = 1.0
_LAST_UPDATE_SECONDS = 2.0

Report = Callable[[float], Awaitable[None]]
Work = Callable[[Report], Awaitable[dict[str, Any]]]
"""The work of an operation: reports the share (0-1) that is done, returns the result."""

_log = get_logger(__name__)


class Operations:
    """Starts, reads and cancels operations; to anyone but their owner they do not exist."""

    def __init__(
        self, store: OperationStore, max_running: int, beat_seconds: float = _BEAT_SECONDS
    ) -> None:
        """Keep operations in `store`; every `beat_seconds` it learns that they still run."""
        self._store = store
        self._max_running = max_running
        self._beat_seconds = beat_seconds
        self._workers: dict[str, asyncio.Task[None]] = {}

    async def start(
        self, subject: str, work: Work, *, arguments: Any = None, idempotency_key: str | None = None
    ) -> Operation:
        """Start an operation that does `work`.

        The same key and `arguments` (any JSON) give the same operation. Raises AppError
        `state_conflict`, `too_many_operations` or `dependency_unavailable`.
        """
        owner = _digest(subject)
        request = Request(
            owner=owner,
            operation_id=secrets.token_urlsafe(24),
            fingerprint=_digest(json.dumps(arguments, sort_keys=True)),
            idempotency_key=_digest(idempotency_key) if idempotency_key else None,
            limit=self._max_running,
        )
        operation = await self._store.create(request)
        if operation.id == request.operation_id:
            worker = asyncio.create_task(self._work(owner, operation, work))
            self._workers[operation.id] = worker
            worker.add_done_callback(lambda _: self._workers.pop(operation.id, None))
        return operation

    async def get(self, subject: str, operation_id: str) -> Operation:
        """Return the subject's operation or raise AppError `operation_not_found`."""
        operation = await self._store.get(_digest(subject), operation_id)
        if operation is None:
            raise AppError("operation_not_found")
        return operation

    async def cancel(self, subject: str, operation_id: str) -> Operation:
        """Cancel a running operation, wherever it runs, and return what it is then."""
        operation = await self.get(subject, operation_id)
        if await self._store.update(_digest(subject), replace(operation, status="cancelled")):
            if worker := self._workers.get(operation_id):
                worker.cancel()
            return replace(operation, status="cancelled")
        return await self.get(subject, operation_id)

    async def aclose(self) -> None:
        """Stop all workers and mark what they leave undone as failed."""
        workers = list(self._workers.values())
        for worker in workers:
            worker.cancel()
        if workers:
            await asyncio.wait(workers)

    async def _work(self, owner: str, operation: Operation, work: Work) -> None:
        """Do the work; what is reported is stored, and by time that this worker lives."""
        current = operation
        working = asyncio.current_task()

        async def store() -> None:
            """Store how far it is; what cannot be stored now is overtaken by the next time."""
            with suppress(AppError):
                if not await self._store.update(owner, current) and working:
                    working.cancel()  # someone else has ended it

        async def report(share: float) -> None:
            nonlocal current
            current = replace(current, status="running", progress=share)
            await store()

        async def beat() -> None:
            while True:
                await asyncio.sleep(self._beat_seconds)
                await store()

        beating = asyncio.create_task(beat())
        try:
            result = await work(report)
        except Exception as error:  # noqa: BLE001 - failing work must not take the server with it
            _log.error("operation.failed", exc_info=error)
            current = replace(current, status="failed")
        except asyncio.CancelledError:
            # A shutdown; if it was the caller, the operation is cancelled and stays so.
            current = replace(current, status="failed")
            raise
        else:
            current = replace(current, status="completed", progress=1.0, result=result)
        finally:
            beating.cancel()
            await self._finish(owner, current)

    async def _finish(self, owner: str, operation: Operation) -> None:
        """Store a final state, trying for as long as anyone would believe it."""
        try:
            async with asyncio.timeout(_LAST_UPDATE_SECONDS):
                while True:
                    try:
                        await self._store.update(owner, operation)
                    except AppError:
                        await asyncio.sleep(_UPDATE_RETRY_SECONDS)
                    else:
                        return
        except TimeoutError:
            _log.warning("operation.lost", status=operation.status)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
