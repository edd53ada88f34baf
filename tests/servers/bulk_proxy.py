"""A proxy before OpenSearch that does what a busy or broken server does to bulk requests, and counts them."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

Pairs = list[list[bytes]]


@dataclass
class Course:
    """What happens to the next bulk requests: each fault is taken once, in order.

    A number is the status of the whole request; "half" answers 429 for every second action, "cut" ends the
    connection after the server has done its work; a function is called first. `sent` are the ids that each
    request brought, with their operations.
    """

    faults: list[int | str | Callable[[], None]] = field(default_factory=list)
    sent: list[list[tuple[str, str]]] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def ids(self) -> list[str]:
        """Ids of all documents that were sent, as often as they were."""
        return sorted(track_id for request in self.sent for _, track_id in request)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    upstream: str
    course: Course

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with self.course.lock:
            self.course.asked.append((self.command, self.path))
        if "/_bulk" not in self.path:
            self._answer(*self._forward(body))
            return
        assert self.headers["Content-Encoding"] == "gzip"
        pairs = _pairs(gzip.decompress(body))
        with self.course.lock:
            self.course.sent.append([_name(pair) for pair in pairs])
            fault = self.course.faults.pop(0) if self.course.faults else None
        if callable(fault):
            fault()
            fault = None
        if isinstance(fault, int):
            self._answer(fault, b'{"error": {"type": "fault", "reason": "of the test"}}')
        elif fault == "half":
            self._half(pairs)
        else:
            answer = self._forward(body)
            if fault == "cut":
                self.close_connection = True
            else:
                self._answer(*answer)

    do_GET = do_POST = do_PUT = do_DELETE = _handle  # noqa: N815 - as the base class names them

    def _half(self, pairs: Pairs) -> None:
        status, answer = self._forward(gzip.compress(b"".join(line for pair in pairs[::2] for line in pair)))
        items: Iterator[Any] = iter(json.loads(answer)["items"])
        busy = {"type": "rejected_execution_exception", "reason": "too much to do"}
        said = [
            {_name(pair)[0]: {"_id": _name(pair)[1], "status": 429, "error": busy}}
            if odd % 2
            else next(items)
            for odd, pair in enumerate(pairs)
        ]
        self._answer(status, json.dumps({"items": said}).encode())

    def _forward(self, body: bytes) -> tuple[int, bytes]:
        headers = {
            name: value
            for name, value in self.headers.items()
            if name in ("Content-Type", "Content-Encoding")
        }
        answer = requests.request(
            self.command, self.upstream + self.path, data=body, headers=headers, timeout=60
        )
        return answer.status_code, answer.content

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _pairs(body: bytes) -> Pairs:
    """Lines of each action."""
    assert body.endswith(b"\n")
    pairs: Pairs = []
    lines = iter(body.splitlines(keepends=True))
    for line in lines:
        pairs.append([line] if b'"delete"' in line else [line, next(lines)])
    return pairs


def _name(pair: list[bytes]) -> tuple[str, str]:
    [(operation, entry)] = json.loads(pair[0]).items()
    assert entry["version_type"] == "external_gte"
    return operation, entry["_id"]


@contextmanager
def bulk_proxy(upstream: str) -> Iterator[tuple[str, Course]]:
    """The proxy's URL, and what it is to do."""
    course = Course()
    handler = type("Handler", (_Handler,), {"upstream": upstream, "course": course})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", course
    finally:
        server.shutdown()
        server.server_close()
