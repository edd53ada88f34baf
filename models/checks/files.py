"""Files from others: opened once, never through a link, bounded before they are read, hashed as read."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from schemas.errors import bad_bundle

# Far above the largest published system (277 MB), far below what would fill a worker.
MAX_FILE_BYTES = 512 << 20
MAX_BUNDLE_BYTES = 2 << 30
HEAD_BYTES = 1 << 20
# Neither waits for the other end of a pipe nor follows a link that has taken the place of a file.
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Look:
    """A file as it was read once: its hash, its size and its first HEAD_BYTES."""

    sha256: str
    size: int
    head: bytes


def look_at(path: Path, *, size: int | None = None) -> Look:
    """Read a file through, a piece at a time.

    Raises DataError(bad_bundle) for what is no plain file, is larger than MAX_FILE_BYTES or, before anything
    is read, of another `size` than it has to be.
    """
    with _opened(path, most=MAX_FILE_BYTES) as (file, found):
        if size is not None and found != size:
            raise bad_bundle(f"{path}: {found} bytes, the index says {size}")
        head = file.read(HEAD_BYTES)
        digest, read = hashlib.sha256(head), len(head)
        while read <= found and (piece := file.read(HEAD_BYTES)):
            digest.update(piece)
            read += len(piece)
    if read != found:
        raise bad_bundle(f"{path}: changed while it was read, {found} bytes before")
    return Look(digest.hexdigest(), found, head)


def read_whole(path: Path, *, most: int) -> bytes:
    """The bytes of a file of at most `most`; DataError(bad_bundle) for what is no plain file, or larger."""
    with _opened(path, most=most) as (file, found):
        data = file.read(found + 1)
    if len(data) != found:
        raise bad_bundle(f"{path}: changed while it was read, {found} bytes before")
    return data


@contextmanager
def _opened(path: Path, *, most: int) -> Iterator[tuple[BinaryIO, int]]:
    try:
        descriptor = os.open(path, _FLAGS)
        status = os.fstat(descriptor)
        # Before fdopen, which leaves a folder open that it refuses.
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise bad_bundle(f"{path}: not a plain file")
        with os.fdopen(descriptor, "rb") as file:
            if status.st_size > most:
                raise bad_bundle(f"{path}: {status.st_size} bytes, larger than {most}")
            yield file, status.st_size
    except OSError as error:
        state = "a link, not a file" if path.is_symlink() else error.strerror
        raise bad_bundle(f"{path}: {state}") from error
