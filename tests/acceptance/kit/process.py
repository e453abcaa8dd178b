"""Starts the server under test. Its settings are its whole environment; its port comes from its own log."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PATIENCE = float(os.environ.get("KIT_PATIENCE", "30"))
"""Longest wait, in seconds, for something that must happen; nothing waits that long on a good server."""
START_PATIENCE = 60.0

HTTP = {"MCP_TRANSPORT": "http", "MCP_SERVER_PORT": "0", "MCP_RATE_LIMIT_PER_MINUTE": "0"}


def until(condition: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """Poll until `condition` is truthy and return its value."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            message = f"not within {seconds:g} s: {what}"
            raise AssertionError(message)
        time.sleep(0.02)
    return value


class Log:
    """The lines of one process's stderr, collected as they come."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.lines: list[str] = []
        self._stream = stream
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        for line in self._stream:
            self.lines.append(line.decode("utf-8", "replace").rstrip("\r\n"))

    def close(self) -> None:
        self._thread.join(PATIENCE)
        self._stream.close()

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in list(self.lines) if line.startswith("{")]

    def find(self, event: str, **fields: Any) -> list[dict[str, Any]]:
        wanted = {"event": event, **fields}
        return [line for line in self.events if wanted.items() <= line.items()]

    def wait(self, event: str, *, at_least: int = 1, **fields: Any) -> dict[str, Any]:
        """Return the last of that many lines of that event with those fields."""

        def found() -> list[dict[str, Any]] | None:
            lines = self.find(event, **fields)
            return lines if len(lines) >= at_least else None

        return until(found, f"{at_least} log lines {event} {fields} in:\n{self.text[-4000:]}")[at_least - 1]


class Process:
    """One server process; `stop` is safe to call more than once."""

    def __init__(self, command: list[str], cwd: Path, environment: Mapping[str, str], *, stdin: int) -> None:
        self._popen = subprocess.Popen(
            command,
            cwd=cwd,
            env=dict(environment),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self._popen.stdout is not None
        assert self._popen.stderr is not None
        self.stdin = self._popen.stdin
        self.stdout = self._popen.stdout
        self.log = Log(self._popen.stderr)

    @property
    def running(self) -> bool:
        return self._popen.poll() is None

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def peak_memory(self) -> int:
        """Bytes of memory that it ever held at once."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8")
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024

    def send_signal(self, number: int) -> None:
        self._popen.send_signal(number)

    def wait(self, seconds: float = START_PATIENCE) -> int:
        code = self._popen.wait(seconds)
        self.log.close()
        return code

    def stop(self) -> int:
        """Ask it to stop, make it stop, and return its exit code."""
        if self.running:
            self.send_signal(signal.SIGTERM)
        try:
            code = self._popen.wait(START_PATIENCE)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            code = self._popen.wait()
        for stream in (self.stdin, self.stdout):
            if stream and not stream.closed:
                stream.close()
        return code


class HttpServer(Process):
    """A server on HTTP that has said on which port it listens."""

    def __init__(self, command: list[str], cwd: Path, environment: Mapping[str, str]) -> None:
        super().__init__(command, cwd, environment, stdin=subprocess.DEVNULL)
        until(lambda: self.log.find("server.started") or not self.running, "server.started", START_PATIENCE)
        if not self.running:
            message = f"the server ended with {self.wait()}:\n{self.log.text}"
            raise AssertionError(message)
        self.port: int = self.log.find("server.started")[0]["port"]
        self.url = f"http://127.0.0.1:{self.port}"


@dataclass(frozen=True)
class Launcher:
    """The program under test, not yet running."""

    command: list[str]
    cwd: Path

    def environment(self, settings: Mapping[str, Any]) -> dict[str, str]:
        """Nothing but PATH and the settings; `None` leaves one out, booleans are written in lower case."""
        text = {
            name: str(value).lower() if isinstance(value, bool) else str(value)
            for name, value in settings.items()
            if value is not None
        }
        return {"PATH": os.environ["PATH"], **text}

    def http(self, **settings: Any) -> HttpServer:
        return HttpServer(self.command, self.cwd, self.environment(HTTP | settings))

    def stdio(self, **settings: Any) -> Process:
        return Process(self.command, self.cwd, self.environment(settings), stdin=subprocess.PIPE)

    def run(self, *arguments: str, **settings: Any) -> subprocess.CompletedProcess[str]:
        """Run it to its end with an empty stdin."""
        return subprocess.run(
            [*self.command, *arguments],
            cwd=self.cwd,
            env=self.environment(settings),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=START_PATIENCE,
            check=False,
        )
