"""Load on the http server, with tokens, against docs/outcomes.md (make test-perf).

What is judged are ratios to two yardsticks of the same run, so that the machine does not decide:
GET /live of the same server, and the SDK's quick start with one equal tool and nothing around it.
PERF_SECONDS and PERF_CLIENTS size the load; PERF_CALLS_VS_QUICKSTART=0.7 and the like override a
threshold; PROFILE=1 writes build/profile.pstats and judges nothing, since profiling slows the
server down.
"""

import asyncio
import os
import random
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from tests.fixtures.issuer import Issuer
from tests.fixtures.process import Server, http_server
from tests.fixtures.project import ROOT
from tests.fixtures.wire import answer, request

SECONDS = float(os.environ.get("PERF_SECONDS", "12"))
CLIENTS = int(os.environ.get("PERF_CLIENTS", "8"))
SLICES = 4
PROFILING = os.environ.get("PROFILE") == "1"
PROFILE = ROOT / "build" / "profile.pstats"
SCOPES = ("echo:read", "change:write")
THRESHOLD = re.compile(r"^\| `([a-z0-9_]+)` \| (at most|at least) \| ([0-9.]+) \|", re.MULTILINE)

TEXT: dict[str, Any] = {"name": "echo", "arguments": {"text": "word " * 40}}
OPERATION: dict[str, Any] = {"name": "change", "arguments": {}}
MIX: tuple[tuple[int, str, dict[str, Any]], ...] = (
    (70, "tools/call", TEXT),
    (10, "tools/call", OPERATION),
    (20, "tools/list", {}),
)
"""What is called: weight in percent, method, parameters."""


@dataclass
class Tally:
    """What the clients saw: seconds per call, calls that failed, seconds in all."""

    latencies: list[float] = field(default_factory=list)
    failures: int = 0
    seconds: float = 0

    @property
    def p50(self) -> float:
        return statistics.median(self.latencies)

    @property
    def calls_per_second(self) -> float:
        return len(self.latencies) / self.seconds


Call = Callable[[httpx2.AsyncClient], Awaitable[bool]]
"""Makes a call and tells whether it went well."""


def mixed(url: str, token: str) -> Call:
    """Return a call of the mix."""
    weights = [weight for weight, _, _ in MIX]
    calls = [request(method, **params) for _, method, params in MIX]

    async def call(http: httpx2.AsyncClient) -> bool:
        headers, body = random.choices(calls, weights)[0]
        headers = headers | {"Authorization": f"Bearer {token}"}
        return good(await http.post(f"{url}/mcp", headers=headers, content=body))

    return call


def quick(url: str) -> Call:
    """Return a call of the quick start's tool."""
    headers, body = request("tools/call", **TEXT)

    async def call(http: httpx2.AsyncClient) -> bool:
        return good(await http.post(f"{url}/mcp", headers=headers, content=body))

    return call


def live(url: str) -> Call:
    """Return a call of the bare endpoint."""

    async def call(http: httpx2.AsyncClient) -> bool:
        return (await http.get(f"{url}/live")).status_code == httpx2.codes.OK

    return call


def good(response: httpx2.Response) -> bool:
    """Return whether a call was answered with a result."""
    result = answer(response.text).get("result", {"isError": True})
    return not result.get("isError")


async def load(call: Call, seconds: float, tally: Tally) -> None:
    """Call after call from CLIENTS clients until the time is up."""
    began = time.monotonic()

    async def client() -> None:
        async with httpx2.AsyncClient() as http:
            while time.monotonic() < began + seconds:
                start = time.perf_counter()
                tally.failures += not await call(http)
                tally.latencies.append(time.perf_counter() - start)

    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    tally.seconds += time.monotonic() - began


def peak_memory_mib() -> float | None:
    """Return the most memory that a finished child held; None where the system does not tell."""
    if sys.platform == "win32":
        return None
    import resource  # noqa: PLC0415 -- not on Windows

    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def measure() -> dict[str, float]:
    """Run the servers under load, in slices by turns, and return the figures by name."""
    PROFILE.parent.mkdir(exist_ok=True)
    flags = ["-m", "cProfile", "-o", str(PROFILE)] if PROFILING else []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        issuer = Issuer(folder)
        settings = issuer.settings() | {
            "MCP_ENABLE_WRITES": "true",
            "MCP_MAX_OPERATIONS": "1000000",
            "MCP_RATE_LIMIT_PER_MINUTE": "0",
        }
        with (
            http_server(folder / "quick.log", module="tests.performance.quickstart") as yardstick,
            http_server(folder / "server.log", *flags, **settings) as server,
        ):
            tallies = asyncio.run(take_turns(server, yardstick, issuer.token(*SCOPES)))
            yardstick.process.terminate()
            server.stop()
    mix, bare, start = tallies
    cuts = statistics.quantiles(mix.latencies, n=100)
    figures = {
        "p50_ms": cuts[49] * 1000,
        "p95_ms": cuts[94] * 1000,
        "p99_ms": cuts[98] * 1000,
        "throughput_rps": mix.calls_per_second,
        "calls_vs_quickstart": mix.calls_per_second / start.calls_per_second,
        "p50_vs_live": mix.p50 / bare.p50,
        "error_rate": mix.failures / len(mix.latencies),
    }
    if (peak := peak_memory_mib()) is not None:
        figures["peak_memory_mib"] = peak
    return figures


async def take_turns(server: Server, yardstick: Server, token: str) -> list[Tally]:
    """Return what was seen of the mix, of /live and of the quick start."""
    calls = [mixed(server.url, token), live(server.url), quick(yardstick.url)]
    tallies = [Tally() for _ in calls]
    for call in calls:
        await load(call, 0.5, Tally())  # warm-up
    for _ in range(SLICES):
        for call, tally in zip(calls, tallies, strict=True):
            await load(call, SECONDS / SLICES / len(calls), tally)
    return tallies


def judge(figures: Mapping[str, float]) -> bool:
    """Print each figure, beside its threshold if it has one, and return whether all hold."""
    outcomes = (ROOT / "docs" / "outcomes.md").read_text(encoding="utf-8")
    thresholds = {name: (word, limit) for name, word, limit in THRESHOLD.findall(outcomes)}
    hold = True
    for name, value in figures.items():
        line = f"{name:20} {value:10.3f}"
        if name in thresholds:
            word, written = thresholds[name]
            limit = float(os.environ.get(f"PERF_{name.upper()}", written))
            holds = PROFILING or (value <= limit if word == "at most" else value >= limit)
            hold &= holds
            line += f"   {word} {limit:g}{'' if holds else '   FAILED'}"
        print(line)
    return hold


def main() -> int:
    """Measure, print, judge."""
    mix = ", ".join(f"{weight} % {params.get('name', method)}" for weight, method, params in MIX)
    print(f"{CLIENTS} clients for {SECONDS:g} s over http with JWT: {mix}")
    hold = judge(measure())
    if PROFILING:
        print(f"profile: {PROFILE.relative_to(ROOT)} (python -m pstats reads it)")
    return 0 if hold else 1


if __name__ == "__main__":
    sys.exit(main())
