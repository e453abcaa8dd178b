"""Load on the http server, with tokens, against docs/outcomes.md (make test-perf).

PERF_SECONDS and PERF_CLIENTS size the load; PERF_P95_MS=500 and the like override a threshold;
PROFILE=1 writes build/profile.pstats and judges nothing, since profiling slows the server down.
"""

import asyncio
import os
import random
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from tests.support import ROOT, Issuer, answer, http_server, request

SECONDS = float(os.environ.get("PERF_SECONDS", "10"))
CLIENTS = int(os.environ.get("PERF_CLIENTS", "8"))
PROFILING = os.environ.get("PROFILE") == "1"
PROFILE = ROOT / "build" / "profile.pstats"
SCOPES = ("text:read", "operations:read", "operations:write")
THRESHOLD = re.compile(r"^\| `([a-z0-9_]+)` \| (at most|at least) \| ([0-9.]+) \|", re.MULTILINE)


@dataclass
class Tally:
    """What the clients saw: seconds per call, and calls that failed."""

    latencies: list[float] = field(default_factory=list)
    failures: int = 0


TEXT = {"name": "process_text", "arguments": {"text": "word " * 40}}
OPERATION = {"name": "start_operation", "arguments": {"steps": 1, "step_milliseconds": 0}}
MIX: tuple[tuple[int, str, dict[str, Any]], ...] = (
    (70, "tools/call", TEXT),
    (10, "tools/call", OPERATION),
    (20, "tools/list", {}),
)
"""What is called: weight in percent, method, parameters."""


async def client(url: str, token: str, until: float, tally: Tally) -> None:
    """Call after call until the time is up."""
    weights = [weight for weight, _, _ in MIX]
    calls = [request(method, **params) for _, method, params in MIX]
    async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as http:
        while time.monotonic() < until:
            headers, body = random.choices(calls, weights)[0]
            start = time.perf_counter()
            response = await http.post(f"{url}/mcp", headers=headers, content=body)
            tally.latencies.append(time.perf_counter() - start)
            result = answer(response.text).get("result", {"isError": True})
            tally.failures += bool(result.get("isError"))


async def load(url: str, token: str, seconds: float) -> Tally:
    """Return what CLIENTS clients saw in `seconds`."""
    tally, until = Tally(), time.monotonic() + seconds
    await asyncio.gather(*(client(url, token, until, tally) for _ in range(CLIENTS)))
    return tally


def peak_memory_mib() -> float | None:
    """Return the most memory that a finished child held; None where the system does not tell."""
    if sys.platform == "win32":
        return None
    import resource  # noqa: PLC0415 -- not on Windows

    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def measure() -> dict[str, float]:
    """Run the server under load and return the figures by threshold name."""
    PROFILE.parent.mkdir(exist_ok=True)
    flags = ["-m", "cProfile", "-o", str(PROFILE)] if PROFILING else []
    with tempfile.TemporaryDirectory() as folder:
        issuer = Issuer(Path(folder))
        settings = issuer.settings() | {
            "MCP_ENABLE_WRITES": "true",
            "MCP_MAX_OPERATIONS": "1000000",
            "MCP_RATE_LIMIT_PER_MINUTE": "0",
            "MCP_LOG_LEVEL": "INFO",
        }
        with http_server(Path(folder) / "server.log", *flags, **settings) as server:
            token = issuer.token(*SCOPES)
            asyncio.run(load(server.url, token, 1))  # warm-up
            tally = asyncio.run(load(server.url, token, SECONDS))
            server.stop()
    cuts = statistics.quantiles(tally.latencies, n=100)
    figures = {
        "p50_ms": cuts[49] * 1000,
        "p95_ms": cuts[94] * 1000,
        "p99_ms": cuts[98] * 1000,
        "throughput_rps": len(tally.latencies) / SECONDS,
        "error_rate": tally.failures / len(tally.latencies),
    }
    if (peak := peak_memory_mib()) is not None:
        figures["peak_memory_mib"] = peak
    return figures


def judge(figures: Mapping[str, float]) -> bool:
    """Print each figure beside its threshold and return whether all hold."""
    outcomes = (ROOT / "docs" / "outcomes.md").read_text(encoding="utf-8")
    thresholds = {name: (word, limit) for name, word, limit in THRESHOLD.findall(outcomes)}
    good = True
    for name, value in figures.items():
        word, written = thresholds[name]
        limit = float(os.environ.get(f"PERF_{name.upper()}", written))
        holds = PROFILING or (value <= limit if word == "at most" else value >= limit)
        good &= holds
        print(f"{name:16} {value:10.3f}   {word} {limit:g}{'' if holds else '   FAILED'}")
    return good


def main() -> int:
    """Measure, print, judge."""
    mix = ", ".join(f"{weight} % {params.get('name', method)}" for weight, method, params in MIX)
    print(f"{CLIENTS} clients for {SECONDS:g} s over http with JWT: {mix}")
    good = judge(measure())
    if PROFILING:
        print(f"profile: {PROFILE.relative_to(ROOT)} (python -m pstats reads it)")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
