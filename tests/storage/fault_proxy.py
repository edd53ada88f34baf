"""A proxy before a storage server that does what busy stores and networks do, by a seeded plan; it counts.

    PUT /plan     a Plan as JSON: begin anew, counts too
    GET /counts   {"asked": {request: times}, "failed": {request: times}, "faults": {kind: times}}

A request is its method, path, query, range and, in an upload, the object's name.
`python -m tests.storage.fault_proxy PORT` serves before that port of localhost, and prints its own.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tests.storage.fault_plan import Course, Plan

_LISTING = re.compile(r"/storage/v1/b/[^/]+/o\?")
# An upload begins with what there is to say of the object.
_METADATA_BYTES = 1000
_NOT_HANDED_ON = frozenset({"connection", "content-length", "date", "server", "transfer-encoding"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server says; `length` is of the body that a HEAD has not."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    length: str = ""


class Proxy(ThreadingHTTPServer):
    """The server; its emulator takes one request after the other."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, upstream_port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.course = Course()
        self._upstream_port = upstream_port
        self._one = threading.Lock()

    def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The server's answer."""
        with self._one:
            upstream = http.client.HTTPConnection("localhost", self._upstream_port, timeout=60)
            upstream.request(method, path, body, dict(headers))
            response = upstream.getresponse()
            kept = {
                name: value for name, value in response.getheaders() if name.lower() not in _NOT_HANDED_ON
            }
            if kept.get("Range") == "bytes=0-0":  # the emulator's word for nothing; the real store has none
                del kept["Range"]
            length = response.getheader("Content-Length", "") if method == "HEAD" else ""
            answer = Answer(response.status, kept, response.read(), length)
            upstream.close()
        return answer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else a body waits 40 ms for word of its head
    server: Proxy

    def _handle(self) -> None:
        self._begun = self.rfile.read(min(_METADATA_BYTES, self._length))
        if self.path == "/plan":
            self.server.course = Course(Plan(**json.loads(self._body())))
            self._send(Answer(204, {}, b""))
        elif self.path == "/counts":
            self._send(Answer(200, {}, json.dumps(self.server.course.counts()).encode()))
        elif kind := self.server.course.next_fault(self._name()):
            FAULTS[kind](self)
        else:
            self._send(self._answer())

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = _handle  # noqa: N815 - names by the library

    def refuse(self, status: int, headers: Mapping[str, str]) -> None:
        """Answer with an error as Google's does, without asking the server."""
        self._body()
        error = {"error": {"code": status, "message": f"fault proxy says {status}"}}
        self._send(Answer(status, headers, json.dumps(error).encode()))

    def reset_in_upload(self) -> None:
        """Break off when half of the request has come; the server never hears of it."""
        self.rfile.read(max(0, self._length // 2 - len(self._begun)))
        self.reset()

    def reset_after(self) -> None:
        """Do what is asked, and break off before a word of it is said."""
        self._answer()
        self.reset()

    def reset_in_download(self) -> None:
        """Break off in the middle of the answer."""
        self._send_half(self._answer())
        self.reset()

    def cut_short(self) -> None:
        """End the answer in the middle, as if that were all."""
        self._send_half(self._answer())
        self.close_connection = True

    def slow(self) -> None:
        """Answer in ten pieces, with a pause before each."""
        answer = self._answer()
        self._send_head(answer)
        step = len(answer.body) // 10 + 1
        for begin in range(0, len(answer.body), step):
            time.sleep(0.03)
            self.wfile.write(answer.body[begin : begin + step])

    def reset(self) -> None:
        """End the connection by a reset: what is on its way is lost."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())

    def silent(self) -> None:
        """Say nothing for longer than a client of the tests waits."""
        self._body()
        time.sleep(1.0)
        self.reset()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""

    def _name(self) -> str:
        uploaded = re.search(rb'"name": "([^"]*)"', self._begun)
        name = uploaded[1].decode() if uploaded else ""
        return " ".join(filter(None, (self.command, self.path, self.headers.get("Range"), name)))

    def _answer(self) -> Answer:
        answer = self.server.ask(self.command, self.path, dict(self.headers.items()), self._body())
        if self.command == "GET" and answer.status == 200 and _LISTING.match(self.path):
            return _paged(answer, self.path, most=self.server.course.plan.page)
        return answer

    @property
    def _length(self) -> int:
        return int(self.headers.get("Content-Length", 0))

    def _body(self) -> bytes:
        return self._begun + self.rfile.read(self._length - len(self._begun))

    def _send(self, answer: Answer) -> None:
        self._send_head(answer)
        self.wfile.write(answer.body)

    def _send_half(self, answer: Answer) -> None:
        if answer.body:  # half of nothing would be all of it
            self._send_head(answer)
            self.wfile.write(answer.body[: len(answer.body) // 2])

    def _send_head(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", answer.length or str(len(answer.body)))
        self.end_headers()


def _paged(answer: Answer, path: str, *, most: int) -> Answer:
    """A page of a listing, in order of name: the token of a page is the last name of the one before."""
    listed = json.loads(answer.body)
    after = parse_qs(urlsplit(path).query).get("pageToken", [""])[0]
    items = sorted(listed.get("items") or (), key=lambda item: item["name"])
    items = [item for item in items if item["name"] > after]
    if len(items) > most:
        listed["nextPageToken"] = items[most - 1]["name"]
    return Answer(200, answer.headers, json.dumps({**listed, "items": items[:most]}).encode())


FAULTS: Mapping[str, Callable[[_Handler], None]] = {
    "400": lambda handler: handler.refuse(400, {}),
    "401": lambda handler: handler.refuse(401, {}),
    "403": lambda handler: handler.refuse(403, {}),
    "404": lambda handler: handler.refuse(404, {}),
    "412": lambda handler: handler.refuse(412, {}),
    "429": lambda handler: handler.refuse(429, {}),
    "503": lambda handler: handler.refuse(503, {}),
    "503 retry-after": lambda handler: handler.refuse(503, {"Retry-After": "1"}),
    "reset": _Handler.reset,
    "reset in upload": _Handler.reset_in_upload,
    "reset after": _Handler.reset_after,
    "reset in download": _Handler.reset_in_download,
    "cut short": _Handler.cut_short,
    "slow": _Handler.slow,
    "silent": _Handler.silent,
}


if __name__ == "__main__":
    proxy = Proxy(int(sys.argv[1]))
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    print(proxy.server_port, flush=True)
    sys.stdin.read()
