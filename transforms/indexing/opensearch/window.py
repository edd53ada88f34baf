"""Back-pressure: how many requests are under way, fewer where a server says that it has too many."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Window:
    """A bound on the requests of this process that are under way at once.

    A server that says 429 halves it; as many answered requests as it is wide make it wider by one again.
    """

    def __init__(self, most: int) -> None:
        self._most = self._width = most
        self._under_way = self._answered = 0
        self._changed = threading.Condition()

    @property
    def width(self) -> int:
        """The bound at this time."""
        return self._width

    @contextmanager
    def request(self) -> Iterator[None]:
        """Wait for room for one request, which is under way inside the block."""
        with self._changed:
            self._changed.wait_for(lambda: self._under_way < self._width)
            self._under_way += 1
        try:
            yield
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def too_many(self) -> None:
        """The server has said so."""
        with self._changed:
            self._width, self._answered = max(1, self._width // 2), 0

    def answered(self) -> None:
        """The server has taken a request."""
        with self._changed:
            self._answered += 1
            if self._answered >= self._width and self._width < self._most:
                self._width, self._answered = self._width + 1, 0
                self._changed.notify_all()
