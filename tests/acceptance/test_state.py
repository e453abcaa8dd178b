"""Section 5: operations and rate limits shared by two replicas through Redis, and what happens without it."""

from __future__ import annotations

import json
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from kit.process import until

if TYPE_CHECKING:
    from conftest import Connect, Serve
    from kit.redis import Redis
    from kit.tokens import Issuer
    from kit.wire import Wire

SLOW = {"steps": 100, "step_milliseconds": 1000}
QUICK = {"steps": 1, "step_milliseconds": 0}


def start(wire: Wire, arguments: dict[str, Any]) -> str:
    return wire.call("start_operation", arguments).output["operation_id"]


def status(wire: Wire, operation: str) -> str:
    return wire.call("check_operation_status", {"operation_id": operation}).output["status"]


def test_two_replicas_share_operations_and_a_restart_loses_none(redis: Redis, serve: Serve, connect: Connect) -> None:
    settings = {"MCP_ENABLE_WRITES": True, "MCP_STATE_URL": redis.url, "MCP_MAX_OPERATIONS": 3}
    one, two = serve(**settings), serve(**settings)
    a, b = connect(one), connect(two)
    until(lambda: a.get("/ready").status == b.get("/ready").status == 200, "both are ready")
    assert a.get("/health").json["checks"]["state"] == "healthy"

    finished = start(a, {**QUICK, "idempotency_key": "canary-key"})
    until(lambda: status(b, finished) == "completed", "the other replica sees it complete")
    assert start(b, {**QUICK, "idempotency_key": "canary-key"}) == finished
    conflict = b.call("start_operation", {**SLOW, "idempotency_key": "canary-key"}).tool_error
    assert conflict["code"] == "state_conflict"

    slow = start(a, SLOW)
    assert b.call("cancel_operation", {"operation_id": slow}).output["status"] == "cancelled"
    assert status(a, slow) == "cancelled"

    interrupted = start(a, SLOW)
    start(b, SLOW)
    start(b, SLOW)
    assert a.call("start_operation", SLOW).tool_error["code"] == "too_many_operations"

    keys = list(redis.client.scan_iter())
    assert keys
    assert all(redis.client.ttl(key) > 0 for key in keys), "every entry has a time to live"
    assert not [key for key in keys if b"canary" in key], "what a caller sends is no key"

    one.send_signal(signal.SIGTERM)
    assert one.wait() == 0
    until(lambda: status(b, interrupted) == "failed", "what the shutdown interrupted has failed")
    again = connect(serve(**settings))
    until(lambda: again.get("/ready").status == 200, "ready")
    assert status(again, finished) == "completed"


@pytest.mark.timeout(120)
def test_rate_limits_are_shared_and_operations_of_a_killed_replica_fail(
    redis: Redis, serve: Serve, connect: Connect
) -> None:
    limit = {"MCP_RATE_LIMIT_PER_MINUTE": 1, "MCP_RATE_LIMIT_BURST": 5}
    one, two = (serve(MCP_ENABLE_WRITES=True, MCP_STATE_URL=redis.url, **limit) for _ in range(2))
    a, b = connect(one), connect(two)
    until(lambda: a.get("/ready").status == b.get("/ready").status == 200, "both are ready")

    orphan = a.call("start_operation", SLOW).output["status_uri"]
    text = {"text": "x"}
    assert [wire.call("process_text", text).status for wire in (a, b, a, b)] == [200] * 4
    assert [wire.call("process_text", text).status for wire in (a, b)] == [429] * 2
    one.send_signal(signal.SIGKILL)

    def told() -> str:
        return json.loads(b.read(orphan).result["contents"][0]["text"])["status"]

    until(lambda: told() == "failed", "the operation of a dead replica has failed", 32)


def test_without_redis_only_operations_suffer_and_it_comes_back(redis: Redis, serve: Serve, connect: Connect) -> None:
    redis.stop()
    limit = {"MCP_RATE_LIMIT_PER_MINUTE": 6000, "MCP_RATE_LIMIT_BURST": 1000}
    wire = connect(serve(MCP_ENABLE_WRITES=True, MCP_STATE_URL=redis.url, **limit))
    assert (wire.get("/ready").status, wire.get("/ready").json) == (503, {"status": "starting"})
    assert wire.get("/live").status == 200
    redis.start()
    until(lambda: wire.get("/ready").status == 200, "ready with the state store")
    start(wire, QUICK)

    redis.stop()
    for tool, arguments in (
        ("start_operation", QUICK),
        ("check_operation_status", {"operation_id": "x" * 16}),
        ("cancel_operation", {"operation_id": "x" * 16}),
    ):
        error = wire.call(tool, arguments).tool_error
        assert (error["code"], error["message"]) == ("dependency_unavailable", "state is unavailable"), tool
    until(lambda: wire.get("/health").json["checks"]["state"] == "degraded", "health is degraded")
    assert (wire.get("/health").status, wire.get("/health").json["status"]) == (200, "degraded")
    assert wire.get("/ready").status == 200
    assert wire.call("process_text", {"text": "x"}).output["result"] == "x"
    assert wire.read("config://server-settings").status == 200

    redis.start()
    until(lambda: wire.get("/health").json["status"] == "healthy", "healthy again")
    assert not wire.call("start_operation", QUICK).result.get("isError")


@pytest.fixture(params=["memory", "redis"])
def store(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The settings of each kind of store."""
    return {} if request.param == "memory" else {"MCP_STATE_URL": request.getfixturevalue("redis").url}


def test_a_subject_keeps_its_last_thousand_and_takes_nothing_from_another(
    store: dict[str, Any], serve: Serve, connect: Connect, issuer: Issuer, jwt_settings: dict[str, Any]
) -> None:
    server = serve(MCP_ENABLE_WRITES=True, MCP_MAX_OPERATIONS=5000, **store, **jwt_settings)
    scopes = "operations:read operations:write"
    alice, bob = (connect(server, token=issuer.mint(scopes, sub=name)) for name in ("alice", "bob"))
    until(lambda: alice.get("/ready").status == 200, "ready")
    first = start(bob, {**QUICK, "idempotency_key": "first"})
    running = start(alice, SLOW)
    first_of_alice = start(alice, {**QUICK, "idempotency_key": "first"})
    until(lambda: status(alice, first_of_alice) == "completed", "the first is over")
    for number in range(1005):
        last = start(alice, {**QUICK, "idempotency_key": f"key-{number}"})
    until(lambda: status(alice, last) == "completed", "the last is over")
    gone = alice.call("check_operation_status", {"operation_id": first_of_alice}).tool_error
    assert gone["code"] == "operation_not_found"
    assert start(alice, {**SLOW, "idempotency_key": "first"}) != first_of_alice, "its key went with it"
    assert status(alice, running) == "running"
    assert status(bob, first) == "completed"
    assert start(bob, {**QUICK, "idempotency_key": "first"}) == first


def test_an_operation_lives_on_from_its_last_change(
    store: dict[str, Any], serve: Serve, connect: Connect, era: str
) -> None:
    wire = connect(serve(MCP_ENABLE_WRITES=True, MCP_STATE_TTL_SECONDS=2, **store), era=era)
    until(lambda: wire.get("/ready").status == 200, "ready")
    operation = start(wire, {"steps": 12, "step_milliseconds": 400})
    until(lambda: status(wire, operation) == "completed", "it outlives the time to live while it changes")
    left = lambda: wire.call("check_operation_status", {"operation_id": operation}).result.get("isError")  # noqa: E731
    until(left, "it is forgotten")


@pytest.mark.parametrize("setting", ["min-replicas-to-write", "maxmemory"])
def test_a_store_that_refuses_writes_is_degraded_and_stays_so(
    redis: Redis, serve: Serve, connect: Connect, setting: str
) -> None:
    limit = {"MCP_RATE_LIMIT_PER_MINUTE": 1_000_000, "MCP_RATE_LIMIT_BURST": 1_000_000}
    wire = connect(serve(MCP_ENABLE_WRITES=True, MCP_STATE_URL=redis.url, **limit))
    until(lambda: wire.get("/ready").status == 200, "ready")
    redis.client.config_set(setting, 1)
    until(lambda: wire.get("/health").json["checks"]["state"] == "degraded", "health is degraded")
    seen = set()
    end = time.monotonic() + 5
    while time.monotonic() < end:
        assert wire.call("process_text", {"text": "x"}).output["result"] == "x"
        error = wire.call("start_operation", QUICK).tool_error
        assert (error["code"], error["message"]) == ("dependency_unavailable", "state is unavailable")
        seen.add(wire.get("/health").json["checks"]["state"])
    assert seen == {"degraded"}
    redis.client.config_set(setting, 0)
    until(lambda: wire.get("/health").json["status"] == "healthy", "healthy again")
    assert start(wire, QUICK)
