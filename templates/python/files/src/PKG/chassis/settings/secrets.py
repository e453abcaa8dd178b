"""Secrets that rotate without a restart: a changed file is read again, each read is audited."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from ..observability.logs import get_logger
from .kinds import SPACE

_audit = get_logger("audit")


class Secret:
    """A secret from the environment (fixed) or from the file that `NAME_FILE` names (rotating)."""

    def __init__(
        self,
        name: str,
        value: str | None = None,
        path: Path | None = None,
        check: Callable[[str], object] = str,
    ) -> None:
        """Hold the secret called `name`; `check` raises ValueError for a text that is none."""
        self.name = name
        self._value = value
        self._path = path
        self._check = check
        self._seen: tuple[int, int, int] | None = None
        self._refreshing = asyncio.Lock()

    def load(self) -> str | None:
        """Return the current value, reading the file if it changed since the last call.

        Blocks on the file system: for start-up; a running server awaits `get`.
        Raises OSError or ValueError when the file cannot be used and never could.
        """
        if self._path is None:
            return self._value
        try:
            stat = self._path.stat()
            seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if seen != self._seen:
                value = self._path.read_text(encoding="utf-8").strip(SPACE)
                self._check(value)
                self._value, self._seen = value, seen
                _audit.info("audit.secret_read", name=self.name, outcome="success")
        except (OSError, ValueError):
            if self._seen is None:
                raise
            # A file that is being replaced is missing for a moment: the last value stands.
            _audit.warning("audit.secret_read", name=self.name, outcome="failure")
        return self._value

    async def get(self) -> str | None:
        """Return the current value without blocking the event loop."""
        if self._path is None:
            return self._value
        async with self._refreshing:
            return await asyncio.to_thread(self.load)
