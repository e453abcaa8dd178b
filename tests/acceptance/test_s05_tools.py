"""Section 5: the sample's tools, resources and prompt."""

from __future__ import annotations

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from kit.samples import API_KEY
from kit.stub import Answer
from kit.wire import MODERN

if TYPE_CHECKING:
    from conftest import Connect, Serve
    from kit.process import HttpServer
    from kit.stub import Records
    from kit.wire import Caller, Wire

OPERATION_ID = re.compile(r"[A-Za-z0-9_-]{16,64}")
WHITE_SPACE = "\t\n\v\f\r \u0085\u00a0\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000"
NOT_WHITE_SPACE = "\x1c\x1f\u200b\ufeff\u180e"


def assert_now(text: str) -> None:
    """RFC 3339, UTC, and not long ago."""
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", text)
    when = datetime.fromisoformat(text)
    assert abs(datetime.now(UTC) - when) < timedelta(minutes=1)


class TestProcessText:
    @pytest.mark.parametrize(
        ("text", "options", "result", "words"),
        [
            (" hello  world ", None, "hello  world", 2),
            (" hello ", {}, "hello", 1),
            (" hello ", {"trim": False}, " hello ", 1),
            ("stra\u00dfe \ufb03 \u0149", {"uppercase": True}, "STRASSE FFI \u02bcN", 3),
            (WHITE_SPACE + "x" + WHITE_SPACE, {}, "x", 1),
            (NOT_WHITE_SPACE, {}, NOT_WHITE_SPACE, 1),
            ("a\u2003b\u0085c\u200bd", {}, "a\u2003b\u0085c\u200bd", 3),
            ("\U0001f600" * 1000, {}, "\U0001f600" * 1000, 1),
            ("e\u0301", {}, "e\u0301", 1),
            ("\x00\x1b[31m", {}, "\x00\x1b[31m", 1),
        ],
        ids=[
            "plain",
            "trim",
            "no-trim",
            "upper",
            "white-space",
            "no-white-space",
            "words",
            "astral",
            "combining",
            "control",
        ],
    )
    def test_results(self, caller: Caller, text: str, options: dict[str, Any] | None, result: str, words: int) -> None:
        arguments = {"text": text} if options is None else {"text": text, "options": options}
        output = caller.call("process_text", arguments).output
        assert output["result"] == result
        metadata = output["metadata"]
        assert_now(metadata["processed_at"])
        assert (metadata["input_length"], metadata["output_length"]) == (len(text), len(result))
        assert metadata["word_count"] == words
        assert set(output) == {"result", "metadata"}


INVALID: list[tuple[str, dict[str, Any], list[tuple[str, str]]]] = [
    ("process_text", {}, [("text", "is required")]),
    ("process_text", {"text": None}, [("text", "must be a string")]),
    ("process_text", {"text": 3}, [("text", "must be a string")]),
    ("process_text", {"text": ""}, [("text", "must have at least 1 characters")]),
    ("process_text", {"text": "x" * 1001}, [("text", "must have at most 1000 characters")]),
    ("process_text", {"text": "\U0001f600" * 1001}, [("text", "must have at most 1000 characters")]),
    ("process_text", {"text": " \u3000\n"}, [("text", "must not be blank")]),
    ("process_text", {"text": "x", "options": None}, [("options", "must be an object")]),
    ("process_text", {"text": "x", "options": []}, [("options", "must be an object")]),
    ("process_text", {"text": "x", "options": {"trim": "true"}}, [("options.trim", "must be a boolean")]),
    ("process_text", {"text": "x", "options": {"trim": 1}}, [("options.trim", "must be a boolean")]),
    (
        "process_text",
        {"zeta": 1, "options": {"x": 1, "trim": None, "uppercase": "no"}, "alpha": 2},
        [
            ("text", "is required"),
            ("options.uppercase", "must be a boolean"),
            ("options.trim", "must be a boolean"),
            ("alpha", "is not allowed"),
            ("options.x", "is not allowed"),
            ("zeta", "is not allowed"),
        ],
    ),
    ("lookup_record", {"record_id": "../etc"}, [("record_id", "must match ^[A-Za-z0-9_-]{1,64}$")]),
    ("lookup_record", {"record_id": "a\n"}, [("record_id", "must match ^[A-Za-z0-9_-]{1,64}$")]),
    ("lookup_record", {"record_id": ""}, [("record_id", "must match ^[A-Za-z0-9_-]{1,64}$")]),
    ("lookup_record", {"record_id": "x" * 65}, [("record_id", "must match ^[A-Za-z0-9_-]{1,64}$")]),
    ("start_operation", {"steps": 0}, [("steps", "must be at least 1")]),
    ("start_operation", {"steps": 101}, [("steps", "must be at most 100")]),
    ("start_operation", {"steps": "3"}, [("steps", "must be an integer")]),
    ("start_operation", {"steps": True}, [("steps", "must be an integer")]),
    ("start_operation", {"steps": 1.5}, [("steps", "must be an integer")]),
    ("start_operation", {"step_milliseconds": 1001}, [("step_milliseconds", "must be at most 1000")]),
    ("start_operation", {"idempotency_key": "a b"}, [("idempotency_key", "must match ^[A-Za-z0-9_-]{1,64}$")]),
    (
        "check_operation_status",
        {"operation_id": "short", "wait_seconds": 20.5},
        [("operation_id", "must match ^[A-Za-z0-9_-]{16,64}$"), ("wait_seconds", "must be at most 20")],
    ),
    (
        "check_operation_status",
        {"operation_id": "x" * 16, "wait_seconds": "1"},
        [("wait_seconds", "must be a number")],
    ),
    ("cancel_operation", {}, [("operation_id", "is required")]),
]


class TestArguments:
    @pytest.mark.parametrize(
        ("tool", "arguments", "fields"), INVALID, ids=[f"{tool}-{index}" for index, (tool, _, _) in enumerate(INVALID)]
    )
    def test_each_wrong_field_is_named_with_its_reason(
        self, caller: Caller, tool: str, arguments: dict[str, Any], fields: list[tuple[str, str]]
    ) -> None:
        error = caller.call(tool, arguments).tool_error
        assert error["code"] == "invalid_argument"
        assert error["details"] == {"fields": [{"field": field, "reason": reason} for field, reason in fields]}
        assert error["message"] == "Invalid arguments: " + "; ".join(f"{field} {reason}" for field, reason in fields)

    def test_an_unknown_key_is_cut_after_64_characters(self, caller: Caller) -> None:
        error = caller.call("process_text", {"text": "x", "k" * 1000: 1}).tool_error
        assert "k" * 64 in error["message"]
        assert "k" * 65 not in error["message"]

    def test_ill_formed_text_is_refused(self, caller: Caller) -> None:
        error = caller.call("process_text", {"text": "a\ud800b"}).tool_error
        assert error["message"] == "Invalid arguments: text must be well-formed Unicode"

    def test_missing_arguments_are_empty_arguments(self, caller: Caller) -> None:
        error = caller.call("process_text").tool_error
        assert error["message"] == "Invalid arguments: text is required"

    @pytest.mark.parametrize("arguments", [[], "text", 3])
    def test_arguments_that_are_no_object(self, caller: Caller, arguments: Any) -> None:
        assert caller.call("process_text", arguments).error["code"] == -32602

    def test_a_whole_float_is_an_integer(self, caller: Caller) -> None:
        output = caller.call("start_operation", {"steps": 1.0, "step_milliseconds": 0.0}).output
        assert OPERATION_ID.fullmatch(output["operation_id"])


class TestLookupRecord:
    def test_a_record(self, caller: Caller, records: Records) -> None:
        records.script("known", Answer(body={"name": "Zo\u00eb", "tags": [1, None, {"a": True}], "amount": 1.5}))
        output = caller.call("lookup_record", {"record_id": "known"}).output
        assert output["record"] == {"name": "Zo\u00eb", "tags": [1, None, {"a": True}], "amount": 1.5}
        assert output["record_id"] == "known"
        assert_now(output["fetched_at"])
        headers = records.tries("known")[-1].headers
        assert headers["accept"] == "application/json"
        assert headers["authorization"] == f"Bearer {API_KEY}"

    def test_text_from_outside_is_cleaned_at_every_depth(self, caller: Caller, records: Records) -> None:
        hidden = "".join(map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A), *range(0xE0000, 0xE0080)]))
        dirty = f"a\x00b\x1b[31mred\x1b[0m\u009b2Jc\x7f\td\ne\r{hidden}"
        records.script("dirty", Answer(body={"text": dirty, "deep": [{"text": dirty, f"key{hidden}": 1}]}))
        record = caller.call("lookup_record", {"record_id": "dirty"}).output["record"]
        assert record["text"] == record["deep"][0]["text"]
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]|\[31m|\[0m", record["text"]), ascii(record["text"])
        assert re.fullmatch(r"abred(2J)?c\td\ne", record["text"]), ascii(record["text"])
        assert set(record["deep"][0]) == {"text", "key"}, ascii(record["deep"])

    def test_no_such_record(self, caller: Caller, records: Records) -> None:
        records.script("gone", Answer(404, {"detail": "canary"}))
        error = caller.call("lookup_record", {"record_id": "gone"}).tool_error
        assert (error["code"], error["message"]) == ("record_not_found", "record_id: no such record")

    @pytest.mark.parametrize(
        "answer",
        [
            Answer(500, {"detail": "canary"}),
            Answer(401, {"detail": "canary"}),
            Answer(200, ["canary"]),
            Answer(200, b"<canary>"),
            Answer(200, b'{"a": "canary'),
            Answer(204, b""),
            Answer(200, b"[" * 100_000),
        ],
        ids=["500", "401", "array", "html", "cut", "empty", "deep"],
    )
    def test_what_is_no_record_is_the_services_fault(self, caller: Caller, records: Records, answer: Answer) -> None:
        records.script("broken", answer)
        reply = caller.call("lookup_record", {"record_id": "broken"})
        assert reply.tool_error["code"] == "dependency_unavailable"
        assert reply.tool_error["message"] == "external_api is unavailable"
        assert "canary" not in reply.text

    def test_without_a_base_url_there_is_no_such_tool(self, share: Serve, connect: Connect) -> None:
        wire = connect(share())
        assert set(wire.tools()) == {"process_text"}
        assert wire.call("lookup_record", {"record_id": "x"}).error["code"] == -32602


def start(caller: Caller, **arguments: Any) -> dict[str, Any]:
    return caller.call("start_operation", arguments).output


def check(caller: Caller, operation: str, **arguments: Any) -> dict[str, Any]:
    return caller.call("check_operation_status", {"operation_id": operation, **arguments}).output


def finish(caller: Caller, operation: str) -> dict[str, Any]:
    """Wait, change by change, until the operation is over."""
    while (state := check(caller, operation, wait_seconds=20))["status"] in ("started", "running"):
        pass
    return state


class TestOperations:
    def test_from_start_to_completion(self, caller: Caller) -> None:
        started = start(caller, steps=3, step_milliseconds=50)
        operation = started["operation_id"]
        assert OPERATION_ID.fullmatch(operation)
        assert started == {
            "operation_id": operation,
            "status": "started",
            "status_uri": f"operation://{operation}",
        }
        done = finish(caller, operation)
        assert done == {
            "operation_id": operation,
            "status": "completed",
            "progress": 1,
            "result": {"steps_completed": 3},
        }
        document = caller.read(started["status_uri"]).result["contents"][0]
        assert json.loads(document["text"]) == done
        assert document["mimeType"] == "application/json"

    def test_running_tells_its_progress_and_no_result(self, caller: Caller) -> None:
        operation = start(caller, steps=20, step_milliseconds=200)["operation_id"]
        state = check(caller, operation)
        if state["status"] == "started":
            state = check(caller, operation, wait_seconds=20)
        assert state["status"] == "running"
        assert 0 <= state["progress"] < 1
        assert "result" not in state
        caller.call("cancel_operation", {"operation_id": operation})

    def test_cancel(self, caller: Caller) -> None:
        operation = start(caller, steps=100, step_milliseconds=1000)["operation_id"]
        for _ in range(2):
            output = caller.call("cancel_operation", {"operation_id": operation}).output
            assert output == {"operation_id": operation, "status": "cancelled"}
        state = check(caller, operation)
        assert state["status"] == "cancelled"
        assert "result" not in state

    def test_what_is_over_cannot_be_cancelled(self, caller: Caller) -> None:
        operation = start(caller, steps=1, step_milliseconds=0)["operation_id"]
        finish(caller, operation)
        error = caller.call("cancel_operation", {"operation_id": operation}).tool_error
        assert error["code"] == "state_conflict"
        assert error["message"] == "operation_id: already completed"

    def test_a_wait_ends_with_a_change_or_with_its_time(self, wire: Wire) -> None:
        operation = start(wire, steps=100, step_milliseconds=1000)["operation_id"]
        if check(wire, operation)["status"] == "started":
            check(wire, operation, wait_seconds=20)
        before = time.monotonic()
        assert check(wire, operation, wait_seconds=0.3)["status"] == "running"
        assert time.monotonic() - before >= 0.3
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(check, wire, operation, wait_seconds=20)
            time.sleep(0.1)
            wire.call("cancel_operation", {"operation_id": operation})
            assert waiting.result(timeout=10)["status"] == "cancelled"

    def test_an_idempotency_key_gives_the_same_operation(self, caller: Caller) -> None:
        key = f"key-{time.time_ns()}"
        first = start(caller, steps=1, step_milliseconds=0, idempotency_key=key)["operation_id"]
        assert start(caller, step_milliseconds=0, steps=1, idempotency_key=key)["operation_id"] == first
        error = caller.call("start_operation", {"steps": 2, "step_milliseconds": 0, "idempotency_key": key}).tool_error
        assert error["code"] == "state_conflict"
        assert error["message"] == "idempotency_key: already used with other arguments"

    def test_defaults_count_as_given_for_an_idempotency_key(self, caller: Caller) -> None:
        key = f"key-{time.time_ns()}"
        first = start(caller, step_milliseconds=0, idempotency_key=key)["operation_id"]
        assert start(caller, steps=10, step_milliseconds=0, idempotency_key=key)["operation_id"] == first

    def test_simultaneous_starts_with_one_key_make_one_operation(self, wire: Wire) -> None:
        key = f"key-{time.time_ns()}"
        with ThreadPoolExecutor(8) as pool:
            starts = [pool.submit(start, wire, steps=1, idempotency_key=key) for _ in range(8)]
        assert len({future.result()["operation_id"] for future in starts}) == 1

    def test_unknown_operations(self, caller: Caller) -> None:
        for tool in ("check_operation_status", "cancel_operation"):
            error = caller.call(tool, {"operation_id": "x" * 20}).tool_error
            assert error["code"] == "operation_not_found"
            assert error["message"] == "operation_id: no such operation"

    def test_too_many(self, narrow_server: HttpServer, connect: Connect, era: str) -> None:
        wire = connect(narrow_server, era=era)
        slow = {"steps": 100, "step_milliseconds": 1000}
        first, second = (start(wire, **slow)["operation_id"] for _ in range(2))
        error = wire.call("start_operation", slow).tool_error
        assert (error["code"], error["message"]) == ("too_many_operations", "too many running operations")
        for operation in (first, second):
            wire.call("cancel_operation", {"operation_id": operation})
        assert start(wire, steps=1, step_milliseconds=0)

    def test_an_operation_is_forgotten_after_its_time(self, serve: Serve, connect: Connect) -> None:
        wire = connect(serve(MCP_ENABLE_WRITES=True, MCP_STATE_TTL_SECONDS=1))
        operation = start(wire, steps=1, step_milliseconds=0)["operation_id"]
        deadline = time.monotonic() + 10
        while not (reply := wire.call("check_operation_status", {"operation_id": operation})).result.get("isError"):
            assert time.monotonic() < deadline, "the operation outlives its time"
            time.sleep(0.1)
        assert reply.tool_error["code"] == "operation_not_found"


class TestProgress:
    def test_notifications_carry_the_token_and_rise_to_1(self, caller: Caller) -> None:
        operation = start(caller, steps=6, step_milliseconds=100)["operation_id"]
        seen: list[dict[str, Any]] = []
        while True:
            params = {
                "name": "check_operation_status",
                "arguments": {"operation_id": operation, "wait_seconds": 20},
                "_meta": {"progressToken": "canary-token"},
            }
            reply = caller.rpc("tools/call", params)
            seen += [message["params"] for message in reply.messages if message.get("method")]
            if reply.output["status"] == "completed":
                break
        assert seen
        assert {(params["progressToken"], params["total"]) for params in seen} == {("canary-token", 1)}
        values = [params["progress"] for params in seen]
        assert values == sorted(values)
        assert 0 <= values[0] <= values[-1] <= 1


class TestResourcesAndPrompt:
    def test_settings_resource(self, caller: Caller) -> None:
        contents = caller.read("config://server-settings").result["contents"]
        assert len(contents) == 1
        assert contents[0]["uri"] == "config://server-settings"
        assert contents[0]["mimeType"] == "application/json"

    def test_unknown_resources(self, caller: Caller) -> None:
        allowed = {-32602} if caller.era == MODERN else {-32602, -32002}
        for uri in ("config://other", "operation://" + "x" * 20, "operation://short", "file:///etc/passwd", "x"):
            assert caller.read(uri).error["code"] in allowed, uri

    def test_the_prompt(self, caller: Caller) -> None:
        text = " {{x}} $(id)\n<b> "
        result = caller.rpc("prompts/get", {"name": "summarize_text", "arguments": {"text": text}}).result
        expected = f"Summarize the following text in three sentences or fewer.\n\n{text}"
        assert result["messages"] == [{"role": "user", "content": {"type": "text", "text": expected}}]

    def test_unknown_prompts_and_missing_arguments(self, caller: Caller) -> None:
        assert caller.rpc("prompts/get", {"name": "nope"}).error["code"] == -32602
        for arguments in ({}, {"other": "x"}, None):
            params = {"name": "summarize_text"} | ({} if arguments is None else {"arguments": arguments})
            assert caller.rpc("prompts/get", params).error["code"] == -32602, arguments

    def test_unknown_tools(self, caller: Caller) -> None:
        error = caller.call("rm_rf", {"x": 1}).error
        assert (error["code"], error["message"]) == (-32602, "Unknown tool")
