"""Objects as files: one to read in ranges, one to write that is uploaded when it is closed."""

from __future__ import annotations

import io
import tempfile
from types import TracebackType
from typing import BinaryIO, cast

from schemas.errors import Stage
from transforms.object_stores.known import store_of
from transforms.object_stores.retries import Purpose, persistently

# Bytes that are asked for at once: a small object comes by one request.
_AHEAD_BYTES = 8 << 20
# What is written lies in memory up to this size, then in a file of the temporary folder.
_IN_MEMORY_BYTES = 16 << 20


def open_object(uri: str, *, stage: Stage = Stage.READ) -> BinaryIO:
    """An object to read, from anywhere in it, as it was when it was opened.

    Raises DataError, now or in reading: not_found, not_readable, storage after the last try.
    """
    return cast(BinaryIO, io.BufferedReader(_Ranges(uri, stage), _AHEAD_BYTES))


def create_object(uri: str) -> BinaryIO:
    """A new object to write: it appears whole when it is closed, and not at all where a `with` fails."""
    return cast(BinaryIO, _Upload(uri))


class _Ranges(io.RawIOBase):
    """An object by ranges, each tried again for itself; all of one version."""

    def __init__(self, uri: str, stage: Stage) -> None:
        super().__init__()
        self._uri = uri
        self._stage = stage
        self._store = store_of(uri)
        self._state = persistently(
            lambda: self._store.describe(uri), purpose=Purpose.READ, stage=stage, uri=uri
        )
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._state.bytes}[whence]
        self._position = max(0, start + offset)
        return self._position

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        begin, end = self._position, min(self._position + len(buffer), self._state.bytes)
        if begin >= end:
            return 0
        version = self._state.source_version
        data = persistently(
            lambda: self._store.read_range(self._uri, begin, end, source_version=version),
            purpose=Purpose.READ,
            stage=self._stage,
            uri=self._uri,
        )
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


class _Upload:
    """What is written waits here until `close`; no io class, whose end by the collector would close it."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115 - `close` does

    @property
    def closed(self) -> bool:
        return self._file.closed

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def write(self, data: bytes) -> int:
        return self._file.write(data)

    def tell(self) -> int:
        return self._file.tell()

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        if self.closed:
            return
        store, file = store_of(self._uri), cast(BinaryIO, self._file)
        with self._file:
            persistently(
                lambda: store.write(self._uri, file), purpose=Purpose.WRITE, stage=Stage.OUTPUT, uri=self._uri
            )

    def __enter__(self) -> _Upload:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._file.close()
