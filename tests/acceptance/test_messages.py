"""Section 4 and the protocol: one reading of every message, on both transports and in both eras."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from kit import messages
from kit.messages import ABSENT, HANDSHAKE_MISTAKES, MISTAKES, NO_JSON, NO_MESSAGE, NOTHING, OPTIONAL, dumps, good
from kit.metrics import Metrics
from kit.wire import LEGACY, PARAMS, PARSE, REQUEST, envelope, request_id

if TYPE_CHECKING:
    from conftest import Connect, Serve, Speak
    from kit.messages import Mistake
    from kit.process import HttpServer
    from kit.stdio import Stdio
    from kit.wire import Caller, Reply, Wire

DUMP = re.compile(r"[\[{\n]|zod|pydantic|Traceback|Error:")
BOM = b"\xef\xbb\xbf"


def steady(reply: Reply) -> dict[str, Any]:
    """An answer without what differs from one to the next."""
    text = json.dumps({key: value for key, value in reply.answer.items() if key != "id"}, sort_keys=True)
    text = re.sub(r"kit-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", text)
    return json.loads(re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*(Z|\+00:00)", "TIME", text))


def post(wire: Wire, content: bytes, **headers: str | None) -> Reply:
    """POST those bytes with the headers of a plain `tools/list`."""
    return wire.post(envelope("tools/list", None, wire.era), content, **headers)


def mistakes(era: str) -> tuple[Mistake, ...]:
    return MISTAKES + (HANDSHAKE_MISTAKES if era == LEGACY else ())


class TestHttp:
    @pytest.mark.parametrize(("content", "reason"), NO_JSON.values(), ids=NO_JSON)
    def test_what_is_no_json(self, wire: Wire, content: bytes, reason: str) -> None:
        reply = post(wire, content)
        assert (reply.status, reply.error["code"], reply.answer["id"]) == (400, PARSE, None)
        assert reply.refusal["message"] == reason

    def test_an_empty_body(self, wire: Wire) -> None:
        for content in (b"", b" \r\n", BOM):
            reply = post(wire, content)
            assert (reply.error["code"], reply.refusal["message"]) == (PARSE, "body is not valid JSON"), content

    @pytest.mark.parametrize(("document", "answered"), NO_MESSAGE.values(), ids=NO_MESSAGE)
    def test_what_is_no_request(self, wire: Wire, document: Any, answered: Any) -> None:
        reply = post(wire, dumps(document))
        assert (reply.status, reply.error["code"], reply.answer["id"]) == (400, REQUEST, answered)
        assert reply.refusal["message"] == messages.NO_REQUEST

    @pytest.mark.parametrize("mistake", [*MISTAKES, *HANDSHAKE_MISTAKES], ids=lambda mistake: mistake.name)
    def test_mistakes(self, wire: Wire, mistake: Mistake) -> None:
        if mistake not in mistakes(wire.era):
            pytest.skip("this era has no handshake")
        for message in mistake.messages(wire.era):
            reply = wire.post(good(mistake.method, wire.era), dumps(message))
            answered = message["id"] if messages.readable(message["id"]) else None
            assert (reply.status, reply.error["code"], reply.answer["id"]) == (400, mistake.code, answered), message
            assert reply.refusal["message"] == mistake.message, message
            assert reply.refusal["category"] == "client_error"

    def test_notifications_are_accepted_whatever_they_say(self, wire: Wire) -> None:
        for message in messages.notifications(wire.era):
            assert wire.post(message).status in (202, 400), message
        wrong = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": [1]}
        reply = wire.post(wrong)
        assert (reply.status, reply.error["code"], reply.answer["id"]) == (400, PARAMS, None)

    def test_a_byte_order_mark_and_white_space_are_skipped(self, wire: Wire) -> None:
        message = good("tools/call", wire.era)
        for content in (BOM + dumps(message), b" \r\n\t" + dumps(message) + b"\r\n"):
            assert wire.post(message, content).output["result"] == "x", content[:10]

    @pytest.mark.parametrize("depth", [150, 250])
    def test_depth_has_one_bound(self, wire: Wire, depth: int) -> None:
        nested: Any = 1
        for _ in range(depth):
            nested = [nested]
        reply = wire.call("process_text", {"text": "x", "deep": nested})
        if depth < 200:
            assert reply.tool_error["message"] == "Invalid arguments: deep is not allowed"
        else:
            assert (reply.status, reply.error["code"]) == (400, PARSE)

    def test_no_odd_message_is_the_servers_fault(self, wire: Wire) -> None:
        for kind, message in messages.fuzzed(wire.era):
            reply = wire.post(kind, dumps(message))
            assert reply.status in (200, 202, 400, 404), (message, reply.text[:300])
            if reply.status != 202 and "error" in reply.answer:
                assert reply.error["code"] != -32603, message
                assert not DUMP.search(reply.error["message"]), (message, reply.text[:300])


class TestStdio:
    @pytest.mark.parametrize("content", [content for content, _ in NO_JSON.values()], ids=NO_JSON)
    def test_what_is_no_json_is_logged(self, stdio: Stdio, content: bytes) -> None:
        log = stdio.process.log
        before = len(log.find("stdio.malformed_line"))
        stdio.write(content)
        request = stdio.send("tools/list")
        assert stdio.next()["id"] == request, "there is no answer"
        line = log.wait("stdio.malformed_line", at_least=before + 1)
        assert (line["level"], bool(line["reason"])) == ("WARNING", True)
        assert len(log.find("stdio.malformed_line")) == before + 1

    @pytest.mark.parametrize(("document", "answered"), NO_MESSAGE.values(), ids=NO_MESSAGE)
    def test_what_is_no_request(self, stdio: Stdio, document: Any, answered: Any) -> None:
        log = stdio.process.log
        before = len(log.find("stdio.malformed_line"))
        stdio.write(dumps(document))
        answer = stdio.next()
        assert (answer["id"], answer["error"]["code"], answer["error"]["message"]) == (
            answered, REQUEST, "Invalid request",
        )  # fmt: skip
        assert log.wait("stdio.malformed_line", at_least=before + 1)

    @pytest.mark.parametrize("mistake", [*MISTAKES, *HANDSHAKE_MISTAKES], ids=lambda mistake: mistake.name)
    def test_mistakes(self, stdio: Stdio, mistake: Mistake) -> None:
        if mistake not in mistakes(stdio.era):
            pytest.skip("this era has no handshake")
        for message in mistake.messages(stdio.era):
            stdio.write(dumps(message))
            answer = stdio.next()
            answered = message["id"] if messages.readable(message["id"]) else None
            assert (answer["id"], answer["error"]["code"]) == (answered, mistake.code), message
            expected = "Invalid request" if mistake.code == REQUEST else mistake.message
            assert answer["error"]["message"] == expected, message

    def test_notifications_harm_nobody(self, stdio: Stdio) -> None:
        wrong = [{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params} for params in ([1], "x", 5)]
        for message in (*messages.notifications(stdio.era), *wrong):
            stdio.write(dumps(message))
            request = stdio.send("tools/list")
            assert stdio.next()["id"] == request, message

    def test_blank_lines_line_ends_and_a_byte_order_mark(self, speak: Speak, era: str) -> None:
        stdio = speak(handshake=False, era=era)
        first = good("tools/list" if era != LEGACY else "initialize", era)
        stdio.write(BOM + dumps(first) + b"\r")
        assert stdio.reply(first["id"]).result
        if era == LEGACY:
            stdio.write(dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}))
        for blank in (b"", b" ", b"\r", b"\t \r"):
            stdio.write(blank)
        assert not stdio.process.log.find("stdio.malformed_line")
        request = stdio.send("tools/list")
        assert stdio.next()["id"] == request

    def test_a_line_that_is_too_long_is_not_kept(self, speak: Speak, era: str) -> None:
        stdio = speak(era=era, MCP_MAX_BODY_BYTES=16384)
        message = dumps(good("tools/list", era))
        stdio.write(message + b" " * (16384 - len(message)))
        assert stdio.next()["result"]["tools"]
        for size in (16385, 50_000_000):
            stdio.write(message + b" " * (size - len(message)))
            answer = stdio.next()
            assert (answer["id"], answer["error"]["code"]) == (None, REQUEST), size
            assert "line is larger than allowed" in json.dumps(answer)
        assert stdio.process.log.wait("stdio.malformed_line", at_least=2)
        assert stdio.call("process_text", {"text": "x"}).output["result"] == "x"
        assert stdio.process.peak_memory < 300_000_000

    def test_the_last_line_needs_no_end(self, speak: Speak, era: str) -> None:
        stdio = speak(era=era)
        stdio.write(dumps(last := good("tools/call", era)), end=b"")
        stdio.close()
        assert [message["id"] for message in stdio.rest()] == [last["id"]]
        assert stdio.process.wait() == 0

    def test_every_odd_request_gets_one_answer(self, stdio: Stdio) -> None:
        lines = [(line, messages.owed(line)) for _, line in messages.fuzzed(stdio.era)]
        lines = [(line, answered) for line, answered in lines if answered is not NOTHING]
        for start in range(0, len(lines), 50):
            batch = lines[start : start + 50]
            for line, _ in batch:
                stdio.write(dumps(line))
            answers = [stdio.next() for _ in batch]
            missing = Counter(repr(answered) for _, answered in batch) - Counter(repr(one["id"]) for one in answers)
            assert not missing, [line for line, answered in batch if repr(answered) in missing]
            for error in (answer["error"] for answer in answers if "error" in answer):
                assert error["code"] != -32603, error
                assert not DUMP.search(error["message"]), error
        assert stdio.call("process_text", {"text": "x"}).output["result"] == "x"

    def test_no_odd_notification_gets_an_answer(self, stdio: Stdio) -> None:
        for _, line in messages.fuzzed(stdio.era):
            if messages.owed(line) is NOTHING:
                stdio.write(dumps(line))
                request = stdio.send("tools/list")
                assert stdio.next()["id"] == request, line


class TestBoth:
    @pytest.mark.parametrize(("method", "path"), OPTIONAL, ids=[".".join((m, *p)) for m, p in OPTIONAL])
    def test_null_is_absent(self, caller: Caller, method: str, path: tuple[str, ...]) -> None:
        null, absent = (messages.edited(good(method, caller.era), path, value) for value in (None, ABSENT))
        message = good(method, caller.era)
        assert steady(caller.exchange(message, null)) == steady(caller.exchange(message, absent))

    @pytest.mark.parametrize("given", ["", "7", "é\u2028", 0, -5, 2**53 - 1, -(2**53) + 1, 7.0], ids=repr)
    def test_an_id_comes_back_as_it_was(self, caller: Caller, given: Any) -> None:
        message = good("tools/call", caller.era) | {"id": given}
        answer = caller.exchange(message, message).answer
        assert answer["id"] == given
        assert type(answer["id"]) is (int if isinstance(given, float) else type(given))

    def test_more_members_are_ignored(self, caller: Caller) -> None:
        message = good("tools/call", caller.era) | {"extra": {"a": [1]}, "result": 5}
        assert caller.exchange(message, message).output["result"] == "x"

    def test_a_name_that_nobody_has_comes_back_nowhere(self, caller: Caller) -> None:
        for reply in (
            caller.rpc("canary/method"),
            caller.call("canary_tool", {}),
            caller.rpc("prompts/get", {"name": "canary"}),
            caller.read("config://canary"),
        ):
            assert reply.error["code"] in (-32601, -32602, -32002)
            assert "canary" not in reply.text.replace("config://canary", "")
        assert caller.rpc("canary/method").error["code"] == -32601

    def test_a_prototype_is_an_argument_like_any_other(self, caller: Caller) -> None:
        error = caller.call("process_text", {"text": "x", "__proto__": {"trim": False}}).tool_error
        assert error["message"] == "Invalid arguments: __proto__ is not allowed"
        error = caller.call("process_text", {"text": "x", "options": {"__proto__": 1}}).tool_error
        assert error["message"] == "Invalid arguments: options.__proto__ is not allowed"

    def test_half_a_character_is_refused_or_replaced(self, caller: Caller) -> None:
        error = caller.call("process_text", {"text": "a\ud800b"}).tool_error
        assert error["message"] == "Invalid arguments: text must be well-formed Unicode"
        reply = caller.rpc("prompts/get", {"name": "summarize_text", "arguments": {"text": "a\ud800b"}})
        assert reply.result["messages"][0]["content"]["text"].endswith("a\ufffdb")


def test_ends_of_lines_are_escaped_in_what_is_sent(wire: Wire, stdio: Stdio) -> None:
    text = "a\u0085b\u2028c\u2029d"
    assert wire.call("process_text", {"text": text}).output["result"] == text
    assert not re.search("[\u0085\u2028\u2029]", wire.call("process_text", {"text": text}).text)
    stdio.call("process_text", {"text": text})
    assert not re.search("[\u0085\u2028\u2029]", stdio.last_line.decode())


def test_refusals_are_counted_logged_and_take_no_token(serve: Serve, connect: Connect, era: str) -> None:
    server = serve(MCP_RATE_LIMIT_PER_MINUTE=1, MCP_RATE_LIMIT_BURST=2)
    wire = connect(server, era=era)
    call = good("tools/call", era)
    refused: list[tuple[str, bytes, dict[str, str | None]]] = [
        ("not_acceptable", dumps(call), {"accept": "application/json"}),
        ("not_acceptable", dumps(call), {"accept": None}),
        ("unsupported_media_type", dumps(call), {"content_type": "text/plain"}),
        ("too_large", b" " * 1048577, {}),
        ("forbidden", dumps(call), {"host": "evil.example"}),
        ("invalid_request", b"{", {}),
        ("invalid_request", dumps(call).decode().encode("utf-16"), {}),
        ("invalid_request", b"[]", {}),
        ("invalid_request", dumps(call | {"params": 5}), {}),
        ("invalid_request", dumps(call | {"id": None}), {}),
    ]
    for reason, content, headers in refused:
        before = rejected(wire, reason)
        mine = request_id()
        reply = wire.post(call, content, x_request_id=mine, **headers)
        assert reply.refusal["code"] == reason, (content[:50], headers)
        assert reply.refusal["correlation_id"] == mine
        assert rejected(wire, reason) == before + 1, (content[:50], headers)
        server.log.wait("audit.denied", correlation_id=mine)
        assert len(server.log.find("audit.denied", correlation_id=mine)) == 1
    assert [wire.post(call).status for _ in range(3)] == [200, 200, 429]


def rejected(wire: Wire, reason: str) -> float:
    return Metrics.parse(wire.get("/metrics").text).value("mcp_rejected_requests_total", reason=reason)


ACCEPTED = (
    "application/json, text/event-stream",
    "*/*",
    "application/*, text/*",
    "TEXT/event-stream;q=0.5,Application/JSON",
    "text/html, */*;q=0.1",
    "application/json; charset=utf-8, text/event-stream",
)
NOT_ACCEPTED = (
    None,
    "",
    "application/json",
    "text/event-stream",
    "text/html",
    "application/*",
    "application/jsonx, text/event-stream",
    "application/json, text/event-stream;q=0",
    "*/*, application/json;q=0.0",
    "*/*;q=0",
)


@pytest.mark.parametrize("accept", ACCEPTED)
def test_accepted(wire: Wire, accept: str) -> None:
    assert wire.call("process_text", {"text": "x"}, accept=accept).output["result"] == "x"


@pytest.mark.parametrize("accept", NOT_ACCEPTED)
def test_not_accepted(wire: Wire, accept: str | None) -> None:
    reply = wire.call("process_text", {"text": "x"}, accept=accept)
    assert reply.status == 406
    assert (reply.refusal["code"], reply.refusal["category"]) == ("not_acceptable", "client_error")
    assert reply.refusal["message"] == "Accept must allow application/json and text/event-stream"


def test_both_spellings_of_the_path_serve_and_none_redirects(
    wire: Wire, guarded_server: HttpServer, connect: Connect
) -> None:
    call = good("tools/call", wire.era)
    assert wire.post(call, path="/mcp/").output["result"] == "x"
    reply = connect(guarded_server, era=wire.era).post(call, path="/mcp/")
    assert (reply.status, reply.refusal["code"]) == (401, "unauthenticated")
    for path in ("/mcp//", "//mcp", "/MCP", "/mcp/x", "/live/", "/health/", "/nowhere", "/nowhere/"):
        reply = wire.post(call, path=path)
        assert reply.status in (404, 405), path
        assert "location" not in reply.headers, path
    reply = wire.get("/nowhere")
    assert (reply.status, reply.json) == (404, {"error": "not found"})
