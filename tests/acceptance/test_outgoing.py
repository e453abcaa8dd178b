"""Section 8: what goes out to the external service and the keys, by which way, and what is made of the answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from kit.stub import Answer, Keys, Records
from kit.wire import ERAS

if TYPE_CHECKING:
    from conftest import Connect, Serve
    from kit.process import Launcher
    from kit.tokens import Issuer
    from kit.wire import Caller, Reply, Wire

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
FAR = "http://records.invalid/base"
"""A service that only a proxy can reach: no name ends in `invalid`."""


def look_up(caller: Caller, record_id: str) -> Reply:
    return caller.call("lookup_record", {"record_id": record_id})


def nested(depth: int) -> bytes:
    return b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


GOOD: dict[str, tuple[bytes, dict[str, Any]]] = {
    "byte order mark": (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
    "white space": (b' \r\n{"a": 1}\n', {"a": 1}),
    "prototype": (b'{"__proto__": {"a": 1}, "constructor": 2}', {"__proto__": {"a": 1}, "constructor": 2}),
    "half a character": (b'{"a": "x\\ud800y"}', {"a": "x\ufffdy"}),
    "deep": (nested(100), json.loads(nested(100))),
}
BAD: dict[str, bytes] = {
    "Latin-1": '{"a": "é"}'.encode("latin-1"),
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "encoded surrogate": b'{"a": "\xed\xa0\x80"}',
    "too deep": nested(300),
    "infinite": b'{"a": 1e400}',
    "NaN": b'{"a": NaN}',
    "two values": b"{} {}",
}


class TestAnswers:
    @pytest.mark.parametrize(("body", "record"), GOOD.values(), ids=GOOD)
    def test_good(self, caller: Caller, records: Records, body: bytes, record: dict[str, Any]) -> None:
        records.script("good", Answer(body=body))
        assert look_up(caller, "good").output["record"] == record

    @pytest.mark.parametrize("body", BAD.values(), ids=BAD)
    def test_bad(self, caller: Caller, records: Records, body: bytes) -> None:
        records.script("bad", Answer(body=body))
        error = look_up(caller, "bad").tool_error
        assert (error["code"], error["message"]) == ("dependency_unavailable", "external_api is unavailable")


class TestHeaders:
    def test_only_the_trace_goes_on(self, wire: Wire, records: Records) -> None:
        trace = {"traceparent": TRACEPARENT, "baggage": "user.email=from-caller"}
        sent = {**trace, "cookie": "from-caller=1", "x_mine": "from-caller"}
        assert wire.call("lookup_record", {"record_id": "headers"}, **sent).output
        call = {"name": "lookup_record", "arguments": {"record_id": "headers"}, "_meta": trace}
        assert wire.rpc("tools/call", call).output
        for request in records.tries("headers")[-2:]:
            assert "from-caller" not in repr(request)
            assert TRACEPARENT[3:35] in request.headers["traceparent"]

    def test_cookies_are_not_kept(self, caller: Caller, records: Records) -> None:
        records.script("cookie", Answer(body={}, headers={"set-cookie": "session=from-caller; Path=/"}))
        for _ in range(2):
            look_up(caller, "cookie")
        assert not [request for request in records.requests if "cookie" in request.headers]


class TestProxies:
    """A stub of the service is the proxy: it is asked for whole URLs."""

    @pytest.mark.parametrize(
        "names",
        [("HTTP_PROXY",), ("ALL_PROXY",), ("http_proxy", "HTTP_PROXY"), ("HTTP_PROXY", "ALL_PROXY")],
        ids="+".join,
    )
    def test_the_service_is_reached_through_it(
        self, serve: Serve, connect: Connect, own_records: Records, names: tuple[str, ...]
    ) -> None:
        first, *others = names
        server = serve(MCP_API_BASE_URL=FAR, **{first: own_records.url}, **dict.fromkeys(others, "http://127.0.0.1:9"))
        for era in ERAS:
            assert look_up(connect(server, era=era), "far").output["record"] == {"path": f"{FAR}/records/far"}

    def test_not_for_loopback_nor_what_no_proxy_names(
        self, serve: Serve, connect: Connect, own_records: Records
    ) -> None:
        settings = {"MCP_RETRY_ATTEMPTS": 1, "HTTP_PROXY": own_records.url, "NO_PROXY": "other.example, .invalid"}
        near = connect(serve(MCP_API_BASE_URL=own_records.url, **settings))
        assert look_up(near, "near").output["record"] == {"path": "/records/near"}
        far = connect(serve(MCP_API_BASE_URL=FAR, **settings))
        assert look_up(far, "far").tool_error["code"] == "dependency_unavailable"
        assert [request.path for request in own_records.requests] == ["/records/near"]

    def test_https_is_tunnelled(self, serve: Serve, connect: Connect, own_records: Records) -> None:
        settings = {"HTTPS_PROXY": own_records.url, "HTTP_PROXY": "http://127.0.0.1:9", "MCP_RETRY_ATTEMPTS": 1}
        wire = connect(serve(MCP_API_BASE_URL=FAR.replace("http:", "https:"), **settings))
        assert look_up(wire, "far").tool_error["code"] == "dependency_unavailable"
        assert [(request.method, request.path) for request in own_records.requests] == [
            ("CONNECT", "records.invalid:443")
        ]

    def test_keys_are_fetched_through_it(
        self, serve: Serve, connect: Connect, issuer: Issuer, jwt_settings: dict[str, Any]
    ) -> None:
        far = {"MCP_AUTH_JWKS_FILE": None, "MCP_AUTH_JWKS_URL": "http://keys.invalid/jwks"}
        with Keys(issuer.jwks()) as keys:
            wire = connect(serve(**jwt_settings | far, HTTP_PROXY=keys.url), token=issuer.mint("text:read"))
            assert wire.call("process_text", {"text": "x"}).output
            assert [request.path for request in keys.requests] == ["http://keys.invalid/jwks"]

    @pytest.mark.parametrize("name", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"])
    def test_other_kinds_are_one_clear_line(self, launcher: Launcher, name: str) -> None:
        done = launcher.run(**{name: "socks5h://user:hunter2@127.0.0.1:1080", "MCP_API_BASE_URL": FAR})
        assert done.returncode == 2, done.stderr
        assert done.stderr.splitlines() == [f"{name}: only http:// and https:// proxies are supported"]
