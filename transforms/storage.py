"""Local paths and object stores behind one set of functions: what an URI is, and its bytes."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from schemas.errors import DataError, FailureKind, Stage
from transforms.object_stores.body import refuse_large
from transforms.object_stores.files import create_object, open_object
from transforms.object_stores.known import remove_objects, rename_object, store_of
from transforms.object_stores.retries import Purpose, persistently
from transforms.object_stores.store import StoredObject

_GLOB = frozenset("*?[")


def scheme(uri: str) -> str:
    """Scheme of an URI, "" for a local path."""
    head, separator, _ = uri.partition("://")
    return head.lower() if separator and head.isalnum() else ""


def is_local(uri: str) -> bool:
    """Whether the URI is a path on this machine."""
    return scheme(uri) in ("", "file")


def local_path(uri: str) -> Path:
    """Path of a local URI."""
    return Path(uri.partition("://")[2] if scheme(uri) == "file" else uri)


def has_wildcards(text: str) -> bool:
    """Whether a text has a letter that a glob gives a meaning."""
    return bool(_GLOB & set(text))


def has_glob(uri: str) -> bool:
    """Whether the URI has wildcards (and, if local, is not simply a name with such letters)."""
    return has_wildcards(uri) and not (is_local(uri) and local_path(uri).exists())


def join(folder: str, *names: str) -> str:
    """URI of a name inside a folder's URI."""
    return "/".join([folder.rstrip("/"), *names])


def absolute(uri: str) -> str:
    """A folder's URI without a slash at its end; a local one from the root on."""
    return str(local_path(uri).absolute()) if is_local(uri) else uri.rstrip("/")


def create(uri: str) -> BinaryIO:
    """A new file to write; folders of a local path are made. An object appears whole, when it is closed.

    Raises DataError(storage) of an object store, now or in closing, after the last try.
    """
    if not is_local(uri):
        return create_object(uri)
    path = local_path(uri)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("wb")


def open_file(uri: str, *, stage: Stage = Stage.READ) -> BinaryIO:
    """An existing file to read, from anywhere in it.

    Raises OSError of a local file, and of an object DataError of that stage, now or in reading: not_found,
    not_readable, storage after the last try. Of any stage but READ, which is for tracks, it names the object.
    """
    return local_path(uri).open("rb") if is_local(uri) else open_object(uri, stage=stage)


@contextmanager
def whole_file(uri: str, *, temporary_uri: str | None = None) -> Iterator[BinaryIO]:
    """A file to write that is there under its name whole or not at all.

    A local one is written under another name first. An object store makes an object appear when all of it
    has come, over one that a first try of the same work may have left: nothing is copied or renamed there.
    """
    if not is_local(uri):
        with create_object(uri) as file:
            yield file
        return
    temporary = temporary_uri or f"{uri}.tmp"
    with create(temporary) as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
    publish(temporary, uri)


def publish(temporary_uri: str, uri: str) -> None:
    """Give a whole file its final name, over one that a first try of the same work may have left."""
    if is_local(uri):
        local_path(uri).parent.mkdir(parents=True, exist_ok=True)
        local_path(temporary_uri).replace(local_path(uri))
    else:
        rename_object(temporary_uri, uri)


def write_text(uri: str, text: str) -> None:
    """Write a small file so that it is there whole or not at all."""
    with whole_file(uri) as file:
        file.write(text.encode())


def remove_folder(uri: str) -> None:
    """Remove a folder and all in it, if it is there; DataError(storage) of an object store that fails."""
    if is_local(uri):
        shutil.rmtree(local_path(uri), ignore_errors=True)
    else:
        remove_objects(join(uri, ""))


def read_bytes(uri: str, *, max_bytes: int) -> bytes:
    """All bytes of a file.

    Raises DataError: bad_uri, not_found, not_readable (a folder, a pipe, no permission), empty_file,
    too_large, or storage after the last try at an object store that fails.
    """
    if is_local(uri):
        data = _read_local(uri, max_bytes)
    else:
        read = partial(store_of(uri).read, uri, max_bytes=max_bytes)
        data = persistently(read, purpose=Purpose.READ, stage=Stage.READ, uri=uri)
    if not data:
        raise _refusal(FailureKind.EMPTY_FILE, "the file has no bytes")
    return data


def open_local_file(uri: str, *, max_bytes: int) -> BinaryIO:
    """A local file of at most so many bytes, to be read; DataError as `read_bytes` has it."""
    path = local_path(uri)
    with _local_faults(uri):
        refuse_large(state_of(path.stat()).bytes, max_bytes)
        # Should a pipe have taken its place by now: without waiting for who writes into it.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    return os.fdopen(descriptor, "rb", buffering=0)


def read_piece(uri: str, start: int, end: int) -> bytes:
    """Bytes of an object of a store from `start` to before `end`, fewer where it ends before.

    Raises DataError as `read_bytes` does of a store.
    """
    read = partial(store_of(uri).read_range, uri, start, end)
    return persistently(read, purpose=Purpose.READ, stage=Stage.READ, uri=uri)


def describe(uri: str) -> StoredObject:
    """State of one object without reading it, in the same words as a listing has for it.

    Raises DataError: bad_uri, not_found, not_readable, or storage after the last try.
    """
    if not is_local(uri):
        look = partial(store_of(uri).describe, uri)
        return persistently(look, purpose=Purpose.READ, stage=Stage.READ, uri=uri)
    with _local_faults(uri):
        return state_of(local_path(uri).stat())


def state_of(info: os.stat_result) -> StoredObject:
    """State of a local file: its size and its time of change; DataError(not_readable) for what is no file."""
    if not stat.S_ISREG(info.st_mode):
        raise _refusal(FailureKind.NOT_READABLE, "not a regular file")
    return StoredObject(f"{info.st_size} {info.st_mtime_ns}", info.st_size)


def _read_local(uri: str, max_bytes: int) -> bytes:
    path = local_path(uri)
    with _local_faults(uri):
        refuse_large(state_of(path.stat()).bytes, max_bytes)
        return path.read_bytes()


@contextmanager
def _local_faults(uri: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise _refusal(FailureKind.NOT_FOUND, "no such file") from None
    except ValueError as error:
        reason = "a path cannot have a null byte" if "\0" in uri else str(error)
        raise _refusal(FailureKind.BAD_URI, reason) from error
    except OSError as error:
        raise _refusal(FailureKind.NOT_READABLE, error.strerror or str(error)) from error


def _refusal(kind: FailureKind, message: str) -> DataError:
    return DataError(kind, Stage.READ, message)
