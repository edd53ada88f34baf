"""What an object store can do for this project, and which store a URI is of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO, Protocol

from schemas.errors import DataError, FailureKind, Stage

CHANGED = "the object has changed while it was read"


@dataclass(frozen=True, slots=True)
class StoredObject:
    """The state of one object, told without reading it: equal versions of one URI are equal bytes.

    `md5` is the store's own checksum of the content in base64, where it has one.
    """

    source_version: str
    bytes: int
    md5: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A piece of a listing: URIs with the state of their objects; `next_token` is None at the end."""

    objects: tuple[tuple[str, StoredObject], ...]
    next_token: str | None


class ObjectStore(Protocol):
    """One kind of store. Each call is a request, and tried once.

    All raise TemporaryFaultError for what a second try may mend, and DataError (bad_uri, not_found,
    not_readable, storage) for what it cannot.
    """

    def describe(self, uri: str) -> StoredObject:
        """State of one object."""

    def read(self, uri: str, *, max_bytes: int) -> bytes:
        """All bytes of one object; DataError(too_large) above a limit, before they are all read."""

    def read_range(self, uri: str, start: int, end: int, *, source_version: str | None = None) -> bytes:
        """Bytes from `start` to before `end`, or to its end, of an object that is still of that version."""

    def page(self, prefix_uri: str, token: str | None) -> Page:
        """Objects whose URI begins like this, in order of name: the first page, or the one of a token."""

    def write(self, uri: str, file: BinaryIO) -> None:
        """Give an object these bytes: all of the file, or nothing appears under its name."""

    def copy(self, uri: str, target_uri: str) -> None:
        """Give another name the bytes of an object too, within the store."""

    def delete(self, uri: str) -> None:
        """Remove an object; DataError(not_found) where there is none any more."""


def names_of(uri: str, *, object_needed: bool = True) -> tuple[str, str]:
    """Bucket and name in it, of a URI; DataError(bad_uri) where one is missing."""
    bucket, _, name = uri.partition("://")[2].partition("/")
    if not bucket or (object_needed and not name):
        what = "object" if bucket else "bucket"
        raise DataError(FailureKind.BAD_URI, Stage.READ, f"{uri!r} names no {what}")
    return bucket, name
