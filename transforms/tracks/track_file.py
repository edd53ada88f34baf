"""The file of a track as a decoder can be handed it: as it lies, or a copy of an object."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from typing import BinaryIO

from schemas.errors import DataError, FailureKind, Stage
from transforms.decoding.sandbox import memory_file
from transforms.object_stores.body import refuse_large
from transforms.storage import describe, is_local, open_file, open_local_file, read_bytes
from transforms.temporary_files import disk_faults, unnamed_file

# An object of more is copied to the disk: a worker's memory is for models.
IN_MEMORY_BYTES = 256 << 20
_READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class TrackFile:
    """An open file that was read to its end once: `bytes` of them, with this hash; `modified_ns` was the time
    of its last change before."""

    file: BinaryIO
    bytes: int
    sha256: str
    modified_ns: int

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    def check_unchanged(self) -> None:
        """DataError(not_readable) for a file written to since: its hash may not be of what was decoded."""
        now = os.fstat(self.file.fileno())
        if (now.st_size, now.st_mtime_ns) != (self.bytes, self.modified_ns):
            message = f"the file changed while it was read: {self.bytes:,} bytes, then {now.st_size:,}"
            raise _refusal(FailureKind.NOT_READABLE, message)


def open_track_file(uri: str, *, max_bytes: int) -> TrackFile:
    """Open a file and hash it; a local one takes no memory, however long it is.

    DataError: what `read_bytes` raises.
    """
    file = (open_local_file if is_local(uri) else _fetched)(uri, max_bytes=max_bytes)
    try:
        return track_file(file)
    except DataError:
        file.close()
        raise
    except OSError as error:
        file.close()
        raise _refusal(FailureKind.NOT_READABLE, error.strerror or str(error)) from error


def track_file(file: BinaryIO) -> TrackFile:
    """An open file with its hash; DataError(empty_file)."""
    file.seek(0)
    modified_ns = os.fstat(file.fileno()).st_mtime_ns
    digest, size = hashlib.sha256(), 0
    while block := file.read(_READ_BYTES):
        digest.update(block)
        size += len(block)
    if not size:
        raise _refusal(FailureKind.EMPTY_FILE, "the file has no bytes")
    return TrackFile(file, size, digest.hexdigest(), modified_ns)


def _fetched(uri: str, *, max_bytes: int) -> BinaryIO:
    """A copy of an object: in memory, or in a file of the temporary folder where it is large."""
    try:
        return memory_file(read_bytes(uri, max_bytes=min(max_bytes, IN_MEMORY_BYTES)))
    except DataError as error:
        if error.kind is not FailureKind.TOO_LARGE or max_bytes <= IN_MEMORY_BYTES:
            raise
    refuse_large(describe(uri).bytes, max_bytes)
    with disk_faults(Stage.READ):  # faults of the store are DataErrors
        file = unnamed_file()
        try:
            with open_file(uri) as source:
                shutil.copyfileobj(source, file, _READ_BYTES)
        except (OSError, DataError):
            file.close()
            raise
    return file


def _refusal(kind: FailureKind, message: str) -> DataError:
    return DataError(kind, Stage.READ, message)
