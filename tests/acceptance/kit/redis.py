"""A real redis-server on a free port, whose process tests may stop and start again."""

from __future__ import annotations

import shutil
import socket
import subprocess
from typing import TYPE_CHECKING

import redis

from kit.process import until

if TYPE_CHECKING:
    from pathlib import Path

available = shutil.which("redis-server") is not None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Redis:
    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.client = redis.Redis(port=self.port)
        self._folder = folder
        self._popen: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        settings = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._folder)]
        self._popen = subprocess.Popen(["redis-server", *settings], stdout=subprocess.DEVNULL)
        until(self._answers, "redis-server answers")

    def stop(self) -> None:
        if self._popen:
            self._popen.kill()
            self._popen.wait()
            self._popen = None

    def _answers(self) -> bool:
        try:
            return self.client.ping()
        except redis.ConnectionError:
            return False
