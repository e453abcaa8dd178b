"""Compares a generated server with its SDK's quick start: the same tool, the same client, turn by turn.

servers.py [--cargo-mcp PROGRAM] [--repository DIR …] [--write docs/benchmarks.md]

Without `--repository` it generates and installs one of each language. Every number is the median of its rounds, every
ratio the median of the ratios of pairs that ran one right after the other. Everything stays on the loopback interface.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import selectors
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/acceptance"))

from kit.process import HTTP, until  # noqa: E402
from kit.redis import free_port  # noqa: E402
from kit.wire import ERAS, LEGACY, Wire, envelope  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUNDS, SECONDS, WARM_UP, CONNECTIONS = 40, 0.5, 2.0, 4
CALL = {"name": "process_text", "arguments": {"text": " Grüße aus Köln ", "options": {"uppercase": True}}}
QUICK_STARTS = {
    "python": "python/server.py",
    "typescript": "typescript/server.mjs",
    "go": "go/main.go",
    "rust": "rust/quick_start.rs",
}
HOMES = ("node_modules", ".venv", "build", "target")
"""Where a program finds the packages that a repository has installed, or is no part of the repository."""
BEGIN, END = "<!-- servers: begin -->", "<!-- servers: end -->"
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Contestant:
    """A running server."""

    name: str
    pid: int
    port: int

    def cpu(self) -> float:
        """Seconds of processor time so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def peak_mib(self) -> float:
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8")
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024

    def request(self, era: str) -> bytes:
        """The bytes of one call, as a client of that era sends it after its handshake."""
        wire = Wire(f"http://127.0.0.1:{self.port}", era=era)
        message = envelope("tools/call", CALL, era)
        headers = wire.headers(message)
        if era == LEGACY:
            hello = {"protocolVersion": era, "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
            session = wire.rpc("initialize", hello).headers.get("mcp-session-id")
            headers |= {"mcp-session-id": session} if session else {}
        reply = wire.send("POST", "/mcp", headers, json.dumps(message))
        assert reply.result["structuredContent"]["result"] == "GRÜSSE AUS KÖLN", reply.text
        wire.close()
        body = json.dumps(message).encode()
        lines = [f"{name}: {value}" for name, value in headers.items()]
        head = ["POST /mcp HTTP/1.1", f"host: 127.0.0.1:{self.port}", *lines, f"content-length: {len(body)}"]
        return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def complete(answer: bytes) -> bool:
    """Whether an answer is there as a whole; it must be a success."""
    head, found, body = answer.partition(b"\r\n\r\n")
    if not found:
        return False
    assert head.startswith(b"HTTP/1.1 200"), answer[:500]
    if length := re.search(rb"(?i)\r\ncontent-length: (\d+)", head):
        return len(body) >= int(length[1])
    return body.endswith(b"\r\n0\r\n\r\n")


def drive(contestant: Contestant, requests: list[bytes], seconds: float) -> list[float]:
    """Keep a connection for each request busy with one call after another; the time of each call."""
    times: list[float] = []
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        for request in requests:
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", contestant.port)))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(request)
            selector.register(connection, selectors.EVENT_READ, [request, time.perf_counter(), b""])
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            for key, _ in selector.select(1):
                connection, state = key.fileobj, key.data
                assert isinstance(connection, socket.socket)
                chunk = connection.recv(65536)
                assert chunk, "the server closed a connection"
                state[2] += chunk
                if complete(state[2]):
                    now = time.perf_counter()
                    times.append(now - state[1])
                    connection.sendall(state[0])
                    state[1:] = [now, b""]
    return times


def measure(contestant: Contestant, requests: list[bytes]) -> dict[str, float]:
    before, begun = contestant.cpu(), time.perf_counter()
    times = sorted(drive(contestant, requests, SECONDS))
    elapsed, cpu = time.perf_counter() - begun, contestant.cpu() - before
    return {
        "calls": len(times) / elapsed,
        "cpu": cpu / len(times) * 1e3,
        "p50": times[len(times) // 2] * 1e3,
        "p99": times[len(times) * 99 // 100] * 1e3,
    }


@contextmanager
def quick_start(language: str, program: str, repository: Path) -> Iterator[Contestant]:
    """Start it with the interpreter or compiler and the very packages that the repository has installed."""
    source = ROOT / "tests/bench/quickstart" / QUICK_STARTS[language]
    home = next(repository / name for name in HOMES if (repository / name).is_dir())
    place = (repository / "examples" if source.suffix == ".rs" else home / ".quick-start") / source.name
    place.parent.mkdir(exist_ok=True)
    shutil.copyfile(source, place)
    command = [program, str(place)]
    if source.suffix == ".go":
        command = [str(place.with_suffix(""))]
        subprocess.run(["go", "build", "-o", *command, str(place)], cwd=repository, check=True)
    if source.suffix == ".rs":
        command = [str(repository / "target/release/examples" / source.stem)]
        subprocess.run(["cargo", "build", "--release", "--example", source.stem], cwd=repository, check=True)
    port = free_port()
    with serving("quick start", [*command, str(port)], repository, port, dict(os.environ)) as contestant:
        yield contestant


@contextmanager
def generated(command: list[str], repository: Path) -> Iterator[Contestant]:
    port = free_port()
    environment = {**os.environ, **HTTP, "MCP_SERVER_PORT": str(port)}
    with serving("generated", command, repository, port, environment) as contestant:
        yield contestant


@contextmanager
def serving(
    name: str, command: list[str], repository: Path, port: int, environment: dict[str, str]
) -> Iterator[Contestant]:
    """Run a server whose log goes to a file: a reader here would take its time from the client's."""
    with tempfile.TemporaryFile() as log:
        running = subprocess.Popen(command, cwd=repository, env=environment, stdout=subprocess.DEVNULL, stderr=log)
        try:
            until(lambda: listens(port) or running.poll() is not None, f"the {name} listens")
            assert running.poll() is None, f"{command} ended with {running.returncode}"
            yield Contestant(name, running.pid, port)
        finally:
            running.terminate()
            running.wait()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def compare(language: str, repository: Path) -> list[str]:
    """Return the rows of the table for one language."""
    spec = tomllib.loads((ROOT / "templates" / language / "e2e.toml").read_text(encoding="utf-8"))
    package = repository.name.replace("-", "_")
    fill = lambda text: text.replace("<{ package }>", package).replace("<{ name }>", repository.name)  # noqa: E731
    command = [str(repository / part) if (repository / part).exists() else part for part in map(fill, spec["command"])]
    rows: list[str] = []
    with quick_start(language, command[0], repository) as reference, generated(command, repository) as ours:
        pair = (reference, ours)
        for era in ERAS:
            # Each connection is a client of its own, so that a server with sessions has one for each.
            requests = {each: [each.request(era) for _ in range(CONNECTIONS)] for each in pair}
            for each in pair:
                drive(each, requests[each], WARM_UP)
            found: dict[str, list[dict[str, float]]] = {each.name: [] for each in pair}
            for turn in range(ROUNDS):
                for each in pair if turn % 2 else pair[::-1]:
                    found[each.name].append(measure(each, requests[each]))
            rows += [row(language, era, each, found[each.name]) for each in pair]
            rows.append(ratios(language, era, found["generated"], found["quick start"], pair))
    return rows


def medians(rounds: list[dict[str, float]]) -> dict[str, float]:
    return {key: statistics.median(each[key] for each in rounds) for key in rounds[0]}


def row(language: str, era: str, contestant: Contestant, rounds: list[dict[str, float]]) -> str:
    of = medians(rounds)
    numbers = f"{of['calls']:.0f} | {of['cpu']:.2f} ms | {of['p50']:.1f} ms | {of['p99']:.1f} ms"
    return f"| {language} | {era} | {contestant.name} | {numbers} | {contestant.peak_mib():.0f} MiB |"


def ratios(
    language: str, era: str, ours: list[dict[str, float]], theirs: list[dict[str, float]], pair: tuple[Contestant, ...]
) -> str:
    of = medians([{key: one[key] / other[key] for key in one} for one, other in zip(ours, theirs, strict=True)])
    memory = pair[1].peak_mib() / pair[0].peak_mib()
    numbers = " | ".join(f"**{value:.2f} x**" for value in (*of.values(), memory))
    return f"| {language} | {era} | ratio | {numbers} |"


def generate(cargo_mcp: str, language: str, folder: Path) -> Path:
    repository = folder / language / "my-server"
    repository.parent.mkdir()
    subprocess.run([cargo_mcp, "new", str(repository), "--lang", language, "-y"], check=True, capture_output=True)
    subprocess.run(["make", "install"], cwd=repository, check=True, capture_output=True)
    return repository


def language_of(repository: Path) -> str:
    manifest = tomllib.loads((repository / ".cargo-mcp/manifest.toml").read_text(encoding="utf-8"))
    return str(manifest["language"])


def table(rows: list[str]) -> str:
    names = ("language", "protocol", "server", "calls/s", "CPU a call", "p50", "p99", "peak memory")
    return "\n".join([f"| {' | '.join(names)} |", "|---|---|---|--:|--:|--:|--:|--:|", *rows])


def write(path: Path, text: str) -> None:
    """Put the table between its marks."""
    before = path.read_text(encoding="utf-8")
    start, end = before.index(BEGIN) + len(BEGIN), before.index(END)
    path.write_text(f"{before[:start]}\n{text}\n{before[end:]}", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cargo-mcp", default=str(ROOT / "target/release/cargo-mcp"))
    parser.add_argument("--repository", action="append", type=Path, default=[], help="an installed repository")
    parser.add_argument("--write", type=Path, help="the document to put the table into")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made = {language_of(path): path.resolve() for path in options.repository} or {
            language: generate(options.cargo_mcp, language, Path(folder)) for language in QUICK_STARTS
        }
        text = table([line for language, repository in made.items() for line in compare(language, repository)])
    print(text)
    if options.write:
        write(options.write, text)


if __name__ == "__main__":
    main()
