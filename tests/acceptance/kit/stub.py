"""Real local HTTP servers that tests program: the external records service, a key server, a trace receiver."""

from __future__ import annotations

import json
import threading
from collections import defaultdict, deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What to answer: `body` is sent as JSON unless bytes; `reset` drops the connection, `hang` waits for `release`."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    reset: bool = False
    hang: bool = False


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Say nothing: servers under test drop connections as they like."""


class Stub:
    """A threaded HTTP server on a free port that remembers its requests and answers with `answer`."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._released = threading.Event()
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = b"".join(self.chunks()) if self.chunked else self.rfile.read(self.length)
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Request(self.command, self.path, headers, body)
                stub.requests.append(request)
                try:
                    stub.write(self, stub.answer(request))
                except OSError:  # the server under test went away, as some tests mean it to
                    self.close_connection = True

            do_POST = do_GET  # noqa: N815

            def do_CONNECT(self) -> None:
                stub.requests.append(Request(self.command, self.path, {}, b""))
                self.send_error(502)

            @property
            def chunked(self) -> bool:
                return self.headers.get("transfer-encoding") == "chunked"

            @property
            def length(self) -> int:
                return int(self.headers.get("content-length") or 0)

            def chunks(self) -> Iterator[bytes]:
                while size := int(self.rfile.readline(), 16):
                    yield self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def answer(self, request: Request) -> Answer:
        raise NotImplementedError

    def write(self, handler: BaseHTTPRequestHandler, answer: Answer) -> None:
        if answer.hang:
            self._released.wait(60)
        if answer.hang or answer.reset:
            handler.close_connection = True
            return
        body = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        handler.send_response(answer.status)
        headers = {"content-type": "application/json", "content-length": str(len(body))} | answer.headers
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    def release(self) -> None:
        """Let go of every hanging request, and of later ones at once."""
        self._released.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        self._server.shutdown()
        self._server.server_close()


class Records(Stub):
    """The external service. Each record id has its own script, so that tests don't disturb each other."""

    def __init__(self) -> None:
        super().__init__()
        self._scripts: dict[str, deque[Answer]] = defaultdict(deque)

    def script(self, record_id: str, *answers: Answer) -> None:
        """Give that id these answers in turn; the last one stays."""
        self._scripts[record_id] = deque(answers)

    def tries(self, record_id: str) -> list[Request]:
        return [request for request in list(self.requests) if request.path == f"/records/{record_id}"]

    def answer(self, request: Request) -> Answer:
        script = self._scripts[request.path.rpartition("/")[2]]
        if not script:
            return Answer(body={"path": request.path})
        return script.popleft() if len(script) > 1 else script[0]


class Keys(Stub):
    """A JWKS endpoint whose document tests may change; `None` makes it answer 500."""

    def __init__(self, document: dict[str, Any] | None) -> None:
        super().__init__()
        self.document = document

    def answer(self, _: Request) -> Answer:
        return Answer(500, {}) if self.document is None else Answer(body=self.document)
