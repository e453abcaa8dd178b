"""State that replicas share, in a real Redis."""

from contextlib import AsyncExitStack

import anyio
import pytest

from tests.application import Application, application
from tests.conftest import Redis

SETTINGS = {"MCP_ENABLE_WRITES": "true"}


async def ready(app: Application) -> None:
    """Wait until the application has reached its state store."""
    with anyio.fail_after(10):
        while (await app.http.get("/ready")).status_code != 200:
            await anyio.sleep(0.02)


async def state(app: Application, wanted: str) -> None:
    """Wait until /health reports the state store as wanted."""
    with anyio.fail_after(15):
        while (await app.http.get("/health")).json()["checks"]["state"] != wanted:
            await anyio.sleep(0.05)


async def replica(stack: AsyncExitStack, redis: Redis, **settings: str) -> Application:
    """Start one more replica."""
    everything = SETTINGS | {"MCP_STATE_URL": redis.url} | settings
    app = await stack.enter_async_context(application(**everything))
    await ready(app)
    return app


async def test_another_replica_answers_and_cancels(redis: Redis) -> None:
    async with AsyncExitStack() as stack:
        first, second = [await replica(stack, redis) for _ in range(2)]
        started = await first.call("start_operation", steps=100, step_milliseconds=50)
        operation = {"operation_id": started.output["operation_id"]}

        seen = await second.call("check_operation_status", **operation, wait_seconds=5)
        cancelled = await second.call("cancel_operation", **operation)
        await anyio.sleep(0.2)
        after = await first.call("check_operation_status", **operation)

    assert seen.output["status"] == "running"
    assert cancelled.output["status"] == "cancelled"
    assert after.output["status"] == "cancelled"


async def test_a_key_is_the_same_on_every_replica(redis: Redis) -> None:
    async with AsyncExitStack() as stack:
        first, second = [await replica(stack, redis) for _ in range(2)]
        one = await first.call("start_operation", idempotency_key="once")
        same = await second.call("start_operation", idempotency_key="once")
        other = await second.call("start_operation", idempotency_key="once", steps=3)

    assert same.output["operation_id"] == one.output["operation_id"]
    assert other.error["code"] == "state_conflict"


async def test_running_operations_are_counted_together(redis: Redis) -> None:
    async with AsyncExitStack() as stack:
        first, second = [await replica(stack, redis, MCP_MAX_OPERATIONS="2") for _ in range(2)]
        await first.call("start_operation", steps=100)
        await second.call("start_operation", steps=100)
        refused = await first.call("start_operation", steps=100)

    assert refused.error["code"] == "too_many_operations"


async def test_a_restart_loses_nothing_that_finished(redis: Redis) -> None:
    async with AsyncExitStack() as stack:
        app = await replica(stack, redis)
        started = await app.call("start_operation", steps=1, step_milliseconds=0)
        long = await app.call("start_operation", steps=100, step_milliseconds=1000)
        await anyio.sleep(0.2)
    async with AsyncExitStack() as stack:
        app = await replica(stack, redis)
        done = await app.call("check_operation_status", operation_id=started.output["operation_id"])
        interrupted = await app.call(
            "check_operation_status", operation_id=long.output["operation_id"]
        )

    assert done.output["status"] == "completed"
    assert done.output["result"] == {"steps_completed": 1}
    assert interrupted.output["status"] == "failed"


async def test_the_rate_limit_is_shared(redis: Redis) -> None:
    limit = {"MCP_RATE_LIMIT_PER_MINUTE": "6", "MCP_RATE_LIMIT_BURST": "3"}
    async with AsyncExitStack() as stack:
        replicas = [await replica(stack, redis, **limit) for _ in range(2)]
        statuses = [
            (await app.call("process_text", text="hello")).http.status_code for app in replicas * 3
        ]

    assert statuses == [200, 200, 200, 429, 429, 429]


async def test_without_redis_the_rest_goes_on_and_it_comes_back(redis: Redis) -> None:
    limit = {"MCP_RATE_LIMIT_PER_MINUTE": "6", "MCP_RATE_LIMIT_BURST": "2"}
    async with AsyncExitStack() as stack:
        app = await replica(stack, redis, **limit)
        redis.stop()
        failed = await app.call("start_operation")
        await state(app, "degraded")
        statuses = [
            (await app.call("process_text", text="hello")).http.status_code for _ in range(3)
        ]
        alive = await app.http.get("/ready")

        redis.start()
        await state(app, "healthy")
        with_redis = await app.call("start_operation")

    assert failed.error["code"] == "dependency_unavailable"
    assert failed.error["message"] == "state is unavailable"
    assert 429 in statuses, "each process limits by itself"
    assert alive.status_code == 200
    assert with_redis.http.status_code == 200


async def test_a_server_is_not_ready_before_it_has_reached_redis(redis: Redis) -> None:
    redis.stop()
    async with application(**SETTINGS, MCP_STATE_URL=redis.url) as app:
        waiting = await app.http.get("/ready")
        assert (waiting.status_code, waiting.json()) == (503, {"status": "starting"})
        redis.start()
        await ready(app)


@pytest.mark.parametrize("kind", ["check_operation_status", "cancel_operation"])
async def test_ids_of_others_say_nothing_in_redis_either(redis: Redis, kind: str) -> None:
    async with AsyncExitStack() as stack:
        app = await replica(stack, redis)
        answer = await app.call(kind, operation_id="o" * 32)

    assert answer.error["code"] == "operation_not_found"
