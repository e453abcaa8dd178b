"""Section 8: outgoing calls: retries, breaker, timeouts, and what a bad service cannot do."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from kit.metrics import Metrics
from kit.process import until
from kit.stub import Answer, Records
from kit.wire import ERAS

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from conftest import Connect, Serve
    from kit.wire import Reply, Wire

OK = Answer(body={"ok": True})
BUSY = Answer(503, {})
PASSING = (408, 429, 500, 502, 503, 504)


def look_up(wire: Wire, record_id: str) -> Reply:
    return wire.call("lookup_record", {"record_id": record_id})


def breaker(wire: Wire) -> float:
    return Metrics.parse(wire.get("/metrics").text).value("mcp_circuit_breaker_state", dependency="external_api")


class TestRetry:
    @pytest.fixture
    def patient(self, share: Serve, connect: Connect, records: Records, era: str) -> Wire:
        settings = {"MCP_API_TIMEOUT_SECONDS": 0.4, "MCP_BREAKER_FAILURES": 1000}
        return connect(share(MCP_API_BASE_URL=records.url, **settings), era=era)

    @pytest.mark.parametrize(
        "failure",
        [*(Answer(status, {}) for status in PASSING), Answer(reset=True), Answer(hang=True)],
        ids=[*map(str, PASSING), "reset", "hang"],
    )
    def test_a_passing_failure_is_tried_again(
        self, patient: Wire, records: Records, failure: Answer, request: pytest.FixtureRequest
    ) -> None:
        record_id = f"retry-{request.node.callspec.id}"
        records.script(record_id, failure, failure, OK)
        assert look_up(patient, record_id).output["record"] == {"ok": True}
        assert len(records.tries(record_id)) == 3

    def test_attempts_are_bounded(self, patient: Wire, records: Records) -> None:
        record_id = f"bounded-{patient.era}"
        records.script(record_id, BUSY)
        assert look_up(patient, record_id).tool_error["code"] == "dependency_unavailable"
        assert len(records.tries(record_id)) == 3

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 422, 501])
    def test_other_answers_are_final(self, patient: Wire, records: Records, status: int) -> None:
        before = len(records.tries(f"once-{status}"))
        records.script(f"once-{status}", Answer(status, {}))
        code = look_up(patient, f"once-{status}").tool_error["code"]
        assert code == ("record_not_found" if status == 404 else "dependency_unavailable")
        assert len(records.tries(f"once-{status}")) == before + 1

    def test_retry_after_is_honoured(self, patient: Wire, records: Records) -> None:
        records.script("later", Answer(503, {}, headers={"retry-after": "1"}), OK)
        before = time.monotonic()
        assert look_up(patient, "later").output
        assert time.monotonic() - before >= 1

    def test_retries_wait_longer_each_time(self, patient: Wire, records: Records) -> None:
        records.script("backoff", BUSY)
        before = time.monotonic()
        look_up(patient, "backoff")
        assert time.monotonic() - before >= 0.05, "there is a pause between tries"

    def test_a_redirect_to_another_host_is_not_followed(self, patient: Wire, records: Records) -> None:
        with Records() as elsewhere:
            for status in (301, 302, 307):
                target = {"location": f"{elsewhere.url}/records/stolen"}
                records.script(f"moved-{status}", Answer(status, b"", headers=target))
                assert look_up(patient, f"moved-{status}").tool_error["code"] == "dependency_unavailable"
            assert not elsewhere.requests

    def test_a_huge_answer_is_cut_off(self, patient: Wire, records: Records) -> None:
        records.script("huge", Answer(body={"text": "x" * 20_000_000}))
        code = look_up(patient, "huge").tool_error["code"]
        assert code in ("dependency_unavailable", "result_too_large")
        memory = Metrics.parse(patient.get("/metrics").text).value("process_resident_memory_bytes")
        assert memory < 400_000_000


def test_the_breaker_opens_lets_one_try_through_and_closes(
    serve: Serve, connect: Connect, own_records: Records, pool: ThreadPoolExecutor
) -> None:
    settings = {"MCP_RETRY_ATTEMPTS": 1, "MCP_BREAKER_FAILURES": 3, "MCP_BREAKER_RESET_SECONDS": 2}
    wire = connect(serve(MCP_API_BASE_URL=own_records.url, MCP_API_TIMEOUT_SECONDS=5, **settings))
    own_records.script("down", BUSY)
    look_up(wire, "down")
    look_up(wire, "down")
    assert look_up(wire, "up").output, "a success in between"
    for _ in range(3):
        assert breaker(wire) == 0
        look_up(wire, "down")
    opened = time.monotonic()
    assert breaker(wire) == 2
    assert wire.get("/health").json["checks"]["external_api"] == "degraded"
    assert (wire.get("/health").status, wire.get("/health").json["status"]) == (200, "degraded")
    assert wire.get("/ready").status == 200

    error = look_up(wire, "refused").tool_error
    assert (error["code"], error["message"]) == ("dependency_unavailable", "external_api is unavailable")
    assert wire.call("process_text", {"text": "x"}).output
    assert time.monotonic() - opened < 2, "too slow a machine to see the open breaker"
    assert not own_records.tries("refused")

    time.sleep(max(0, 2.1 - (time.monotonic() - opened)))
    own_records.script("probe", Answer(hang=True))
    probe = pool.submit(look_up, wire, "probe")
    until(lambda: own_records.tries("probe"), "the one try goes through")
    assert breaker(wire) == 1
    assert look_up(wire, "second").tool_error["code"] == "dependency_unavailable"
    assert not own_records.tries("second")
    own_records.release()
    assert probe.result().tool_error["code"] == "dependency_unavailable"
    assert breaker(wire) == 2, "a failed probe opens it again"
    time.sleep(2.1)
    assert look_up(wire, "up").output
    assert breaker(wire) == 0
    assert wire.get("/health").json["status"] == "healthy"


def test_what_one_caller_asks_for_opens_the_breaker_for_nobody(
    serve: Serve, connect: Connect, records: Records
) -> None:
    server = serve(MCP_API_BASE_URL=records.url, MCP_BREAKER_FAILURES=2)
    for era in ERAS:
        wire = connect(server, era=era)
        for status in (400, 401, 403, 404, 422):
            records.script("theirs", Answer(status, {}))
            assert look_up(wire, "theirs").tool_error
        records.script("theirs", Answer(302, b"", headers={"location": "http://elsewhere.example/"}))
        assert look_up(wire, "theirs").tool_error
        assert breaker(wire) == 0
        assert look_up(wire, "mine").output
        assert wire.get("/health").json["status"] == "healthy"


def test_a_hanging_service_fills_its_own_bulkhead_only(
    serve: Serve, connect: Connect, own_records: Records, pool: ThreadPoolExecutor
) -> None:
    settings = {"MCP_API_TIMEOUT_SECONDS": 20, "MCP_API_MAX_CONCURRENCY": 2, "MCP_RETRY_ATTEMPTS": 1}
    server = serve(MCP_API_BASE_URL=own_records.url, **settings)
    wire = connect(server)
    own_records.script("stuck", Answer(hang=True))
    stuck = [pool.submit(look_up, connect(server, era=era), "stuck") for era in ERAS]
    until(lambda: len(own_records.tries("stuck")) == 2, "two calls hang")
    before = time.monotonic()
    assert look_up(wire, "third").tool_error["code"] == "dependency_unavailable"
    assert time.monotonic() - before < 5, "a full bulkhead answers at once"
    assert wire.call("process_text", {"text": "x"}).output
    assert wire.get("/health").status == 200
    assert not own_records.tries("third")
    own_records.release()
    assert [future.result().tool_error["code"] for future in stuck] == ["dependency_unavailable"] * 2
    assert look_up(wire, "fourth").output


def test_a_tool_past_its_timeout_is_cancelled(serve: Serve, connect: Connect, own_records: Records, era: str) -> None:
    settings = {"MCP_TOOL_TIMEOUT_SECONDS": 1, "MCP_API_TIMEOUT_SECONDS": 20, "MCP_ENABLE_WRITES": True}
    wire = connect(serve(MCP_API_BASE_URL=own_records.url, **settings), era=era)
    own_records.script("stuck", Answer(hang=True))
    own_records.script("retry-later", Answer(503, {}, headers={"retry-after": "3600"}))
    before = time.monotonic()
    error = look_up(wire, "stuck").tool_error
    assert (error["code"], error["category"]) == ("timeout", "server_error")
    assert error["message"] == "the tool did not finish in time"
    assert look_up(wire, "retry-later").tool_error["code"] in ("timeout", "dependency_unavailable")
    assert time.monotonic() - before < 10
    operation = wire.call("start_operation", {"steps": 100, "step_milliseconds": 1000}).output["operation_id"]
    codes = set()
    while codes != {"timeout"}:
        reply = wire.call("check_operation_status", {"operation_id": operation, "wait_seconds": 20})
        codes = {reply.tool_error["code"]} if reply.result.get("isError") else set()
    metrics = Metrics.parse(wire.get("/metrics").text)
    assert metrics.value("mcp_tool_calls_in_flight") == 0
