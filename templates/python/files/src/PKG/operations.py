"""Long-running operations: started by a call, worked on in the background, kept in the store."""

import asyncio
import hashlib
import json
import secrets
from dataclasses import replace

from .errors import AppError
from .observability import get_logger
from .state import Operation, OperationStore, Request

_UPDATE_RETRY_SECONDS = 1.0
_LAST_UPDATE_SECONDS = 2.0

_log = get_logger(__name__)


class Operations:
    """Starts, reads and cancels operations; to anyone but their owner they do not exist."""

    def __init__(self, store: OperationStore, max_running: int) -> None:
        self._store = store
        self._max_running = max_running
        self._workers: dict[str, asyncio.Task[None]] = {}

    async def start(
        self, subject: str, *, steps: int, step_seconds: float, idempotency_key: str | None
    ) -> Operation:
        """Start an operation of `steps` steps.

        The same key and arguments give the same operation. Raises AppError `state_conflict`,
        `too_many_operations` or `dependency_unavailable`.
        """
        arguments = json.dumps([steps, step_seconds])
        request = Request(
            owner=_digest(subject),
            operation_id=secrets.token_urlsafe(24),
            fingerprint=_digest(arguments),
            idempotency_key=_digest(idempotency_key) if idempotency_key else None,
            limit=self._max_running,
        )
        operation = await self._store.create(request)
        if operation.id == request.operation_id:
            worker = asyncio.create_task(self._work(operation, steps, step_seconds))
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
        if await self._store.update(replace(operation, status="cancelled")):
            if worker := self._workers.get(operation_id):
                worker.cancel()
            return replace(operation, status="cancelled")
        return await self.get(subject, operation_id)

    async def aclose(self) -> None:
        """Stop all workers and mark what they leave undone as failed."""
        workers = dict(self._workers)
        for worker in workers.values():
            worker.cancel()
        if workers:
            await asyncio.wait(workers.values())

    async def _work(self, operation: Operation, steps: int, step_seconds: float) -> None:
        """Do the steps; each ends with an update, which also shows that this worker lives."""
        try:
            for step in range(steps):
                await asyncio.sleep(step_seconds)
                operation = replace(operation, status="running", progress=(step + 1) / steps)
                if not await self._update(operation):
                    return
            done = replace(
                operation, status="completed", progress=1.0, result={"steps_completed": steps}
            )
            await self._finish(done)
        except asyncio.CancelledError:
            # A shutdown; if it was the caller, the operation is cancelled and stays so.
            await self._finish(replace(operation, status="failed"))
            raise

    async def _update(self, operation: Operation) -> bool:
        """Store an intermediate state; one that cannot be stored now is overtaken by the next."""
        try:
            return await self._store.update(operation)
        except AppError:
            return True

    async def _finish(self, operation: Operation) -> None:
        """Store a final state, trying for as long as anyone would believe it."""
        try:
            async with asyncio.timeout(_LAST_UPDATE_SECONDS):
                while True:
                    try:
                        await self._store.update(operation)
                    except AppError:
                        await asyncio.sleep(_UPDATE_RETRY_SECONDS)
                    else:
                        return
        except TimeoutError:
            _log.warning("operation.lost", status=operation.status)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
