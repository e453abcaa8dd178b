"""Runs a server and breaks it from outside: `broken.py NAME -- COMMAND…` behaves like COMMAND but for one fault.

The faults are the rows of mutants.toml. On HTTP it stands between client and server and tells its own port in the
server's `server.started` line; on stdio it passes the lines on. It reads and changes bytes, and knows no language.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import tomllib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any

TABLE = Path(__file__).with_name("mutants.toml")
HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}
Row = dict[str, Any]


def table() -> dict[str, Row]:
    """Return the rows by name; the row `none` breaks nothing."""
    rows = tomllib.loads(TABLE.read_text(encoding="utf-8"))["mutant"]
    return {"none": {}} | {row["name"]: row for row in rows}


def change(text: str, rule: list[str] | None) -> str:
    return re.sub(rule[0], rule[1], text) if rule else text


def proxy(row: Row, port: int) -> ThreadingHTTPServer:
    """Return a server on a free port that forwards to `port` and applies the row's faults."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = not row.get("nagle", False)

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            if row.get("logs_bodies"):
                print(json.dumps({"event": "debug", "body": body.decode()}), file=sys.stderr, flush=True)
            replaced = row.get("request_headers", {})
            headers = [(name.lower(), value) for name, value in self.headers.items()]
            headers = [pair for pair in headers if pair[0] not in {"connection", *replaced}]
            upstream = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            try:
                upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in (*headers, *replaced.items()):
                    upstream.putheader(name, value)
                upstream.endheaders(body)
                answer = upstream.getresponse()
                text = change(answer.read().decode(), row.get("body")).encode()
            except OSError:
                self.close_connection = True
                return
            status = row.get("status", {}).get(str(answer.status), answer.status)
            self.send_response_only(status)
            for name, value in answer.getheaders():
                if name.lower() not in HOP_BY_HOP and name.lower() != row.get("drops_header"):
                    self.send_header(name, value)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_DELETE = do_OPTIONS = do_PUT = forward  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server


def pass_log(row: Row, stream: IO[str]) -> None:
    for line in stream:
        text = line
        if '"server.started"' in line and '"http"' in line:
            event = json.loads(line)
            event["port"] = proxy(row, event["port"]).server_port
            text = json.dumps(event) + "\n"
        sys.stderr.write(change(text, row.get("log")))
        sys.stderr.flush()


def pass_stdout(row: Row, stream: IO[str]) -> None:
    for line in stream:
        sys.stdout.write(row.get("noise", "") + change(line, row.get("body")))
        sys.stdout.flush()


def main(name: str, command: list[str]) -> int:
    row = table()[name]
    environment = {key: value for key, value in (os.environ | row.get("environment", {})).items() if value}
    child = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", errors="replace"
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda got, _: child.send_signal(row.get("signal", got)))
    assert child.stdout
    assert child.stderr
    pipes = [
        threading.Thread(target=pass_log, args=(row, child.stderr)),
        threading.Thread(target=pass_stdout, args=(row, child.stdout)),
    ]
    for pipe in pipes:
        pipe.start()
    code = child.wait()
    for pipe in pipes:
        pipe.join()
    return int(row.get("exit_code", abs(code)))


if __name__ == "__main__":
    separator = sys.argv.index("--")
    sys.exit(main(sys.argv[1], sys.argv[separator + 1 :]))
