"""The bytes of a download under way: not more than asked for, and not slower than can be waited for."""

from __future__ import annotations

import io
import time

from schemas.errors import DataError, FailureKind, Stage
from transforms.object_stores.retries import DEADLINE_S, SLOWEST_BYTES_PER_S, TemporaryFaultError


class Body(io.BytesIO):
    """What has come of an object so far.

    Raises DataError(too_large) beyond `max_bytes`, and TemporaryFaultError where bytes come, but hardly.
    """

    def __init__(self, max_bytes: int) -> None:
        super().__init__()
        self._max_bytes = max_bytes
        self._begin = time.monotonic()

    def write(self, data: bytes) -> int:  # type: ignore[override]
        """Take some more bytes."""
        written = super().write(data)
        size = self.tell()
        if size > self._max_bytes:
            refuse_large(self._max_bytes + 1, self._max_bytes)
        waited_s = time.monotonic() - self._begin
        if waited_s > DEADLINE_S + size / SLOWEST_BYTES_PER_S:
            raise TemporaryFaultError(f"{size:,} bytes in {waited_s:.0f} s are too slow")
        return written


def refuse_large(size: int, max_bytes: int) -> None:
    """Raise DataError(too_large) for a file of `size` bytes, or of `max_bytes` + 1 and maybe more."""
    if size > max_bytes:
        known = f"{size:,} bytes of {max_bytes:,}"
        message = f"more than {max_bytes:,} bytes" if size == max_bytes + 1 else known
        raise DataError(FailureKind.TOO_LARGE, Stage.READ, message)
