"""Any other store that Beam has a file system for, such as hdfs:// or azfs://, by way of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO

from schemas.errors import DataError, FailureKind, Stage
from transforms.object_stores.body import refuse_large
from transforms.object_stores.retries import TemporaryFaultError
from transforms.object_stores.store import CHANGED, Page, StoredObject

_PIECE_BYTES = 1 << 20
# Some file systems say only in words that there is no such object.
_ABSENT = ("404", "not found", "does not exist", "No such file", "No files found")


class BeamStore:
    """See ObjectStore."""

    def describe(self, uri: str) -> StoredObject:
        """See ObjectStore."""
        from apache_beam.io.filesystems import FileSystems

        with _faults():
            return _state(FileSystems.get_filesystem(uri).metadata(uri))

    def read(self, uri: str, *, max_bytes: int) -> bytes:
        """See ObjectStore."""
        with _faults(), _opened(uri) as file:
            data: bytes = file.read(max_bytes + 1)
        refuse_large(len(data), max_bytes)
        return data

    def read_range(self, uri: str, start: int, end: int, *, source_version: str | None = None) -> bytes:
        """See ObjectStore; Beam cannot ask for a version: it is looked at before."""
        if source_version and self.describe(uri).source_version != source_version:
            raise DataError(FailureKind.STORAGE, Stage.READ, CHANGED)
        with _faults(), _opened(uri) as file:
            file.seek(start)
            data: bytes = file.read(end - start)
        return data

    def page(self, prefix_uri: str, token: str | None) -> Page:  # noqa: ARG002 - there is one page
        """See ObjectStore; Beam has no pages: all of it is the first."""
        from apache_beam.io.filesystems import FileSystems

        try:
            with _faults():
                found = FileSystems.match([f"{prefix_uri}**"])[0].metadata_list
        except DataError as error:
            if error.kind is FailureKind.NOT_FOUND:  # where folders are real, one of that name is not there
                return Page((), None)
            raise
        ordered = sorted(found, key=lambda metadata: str(metadata.path))
        return Page(tuple((metadata.path, _state(metadata)) for metadata in ordered), None)

    def write(self, uri: str, file: BinaryIO) -> None:
        """See ObjectStore; what a fault has left half written is written over by the next try."""
        from apache_beam.io.filesystem import CompressionTypes
        from apache_beam.io.filesystems import FileSystems

        with _faults():
            if FileSystems.exists(uri):
                FileSystems.delete([uri])
            file.seek(0)
            plain = CompressionTypes.UNCOMPRESSED
            with FileSystems.create(uri, "application/octet-stream", compression_type=plain) as target:
                shutil.copyfileobj(file, target, _PIECE_BYTES)

    def copy(self, uri: str, target_uri: str) -> None:
        """See ObjectStore."""
        from apache_beam.io.filesystems import FileSystems

        with _faults():
            FileSystems.copy([uri], [target_uri])

    def delete(self, uri: str) -> None:
        """See ObjectStore."""
        from apache_beam.io.filesystems import FileSystems

        with _faults():
            FileSystems.delete([uri])


def _opened(uri: str) -> Any:
    from apache_beam.io.filesystem import CompressionTypes
    from apache_beam.io.filesystems import FileSystems

    plain = CompressionTypes.UNCOMPRESSED
    return FileSystems.open(uri, "application/octet-stream", compression_type=plain)


def _state(metadata: Any) -> StoredObject:
    size = int(metadata.size_in_bytes)
    return StoredObject(f"{size} {metadata.last_updated_in_seconds}", size)


@contextmanager
def _faults() -> Iterator[None]:
    from apache_beam.io.filesystem import BeamIOError

    try:
        yield
    except (OSError, ValueError) as error:  # BeamIOError, which is an OSError, wraps what was met in a batch
        details = error.exception_details if isinstance(error, BeamIOError) else None
        met = list(details.values()) if isinstance(details, dict) else [error]
        raise _meaning(met, str(error)) from error


def _meaning(met: Sequence[Any], message: str) -> DataError | TemporaryFaultError:
    kinds = (
        (FileNotFoundError, FailureKind.NOT_FOUND, "no such object"),
        (PermissionError, FailureKind.NOT_READABLE, message),
        (ValueError, FailureKind.BAD_URI, message),  # no file system for the scheme, or no name in the URI
    )
    for error, kind, told in kinds:
        if met and all(isinstance(one, error) for one in met):
            return DataError(kind, Stage.READ, told)
    if any(words in message for words in _ABSENT):
        return DataError(FailureKind.NOT_FOUND, Stage.READ, "no such object")
    return TemporaryFaultError(message)
