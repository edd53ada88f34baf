"""Local paths and object stores behind one set of functions: what an URI is, and its bytes."""

from __future__ import annotations

import os
import shutil
import stat
import time
from pathlib import Path
from typing import BinaryIO

from schemas.errors import DataError, FailureKind, Stage

ATTEMPTS = 3
_PAUSE_S = 0.5
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


def create(uri: str) -> BinaryIO:
    """A new file to write; folders of a local path are made."""
    if is_local(uri):
        path = local_path(uri)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("wb")
    from apache_beam.io.filesystem import CompressionTypes
    from apache_beam.io.filesystems import FileSystems

    file: BinaryIO = FileSystems.create(uri, compression_type=CompressionTypes.UNCOMPRESSED)
    return file


def open_file(uri: str) -> BinaryIO:
    """An existing file to read."""
    if is_local(uri):
        return local_path(uri).open("rb")
    from apache_beam.io.filesystem import CompressionTypes
    from apache_beam.io.filesystems import FileSystems

    file: BinaryIO = FileSystems.open(uri, compression_type=CompressionTypes.UNCOMPRESSED)
    return file


def publish(temporary_uri: str, uri: str) -> None:
    """Give a whole file its final name, over one that a first try of the same work may have left."""
    if is_local(uri):
        local_path(uri).parent.mkdir(parents=True, exist_ok=True)
        local_path(temporary_uri).replace(local_path(uri))
        return
    from apache_beam.io.filesystems import FileSystems

    if FileSystems.exists(uri):
        FileSystems.delete([uri])
    FileSystems.rename([temporary_uri], [uri])


def write_text(uri: str, text: str) -> None:
    """Write a small file so that it is there whole or not at all."""
    if not is_local(uri):
        with create(uri) as file:  # an object appears when it is closed
            file.write(text.encode())
        return
    temporary = f"{uri}.tmp"
    with create(temporary) as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
    publish(temporary, uri)


def remove_folder(uri: str) -> None:
    """Remove a folder and all in it, if it is there."""
    if is_local(uri):
        shutil.rmtree(local_path(uri), ignore_errors=True)
        return
    from apache_beam.io.filesystems import FileSystems

    if found := [metadata.path for metadata in FileSystems.match([join(uri, "**")])[0].metadata_list]:
        FileSystems.delete(found)


def read_bytes(uri: str, *, max_bytes: int) -> bytes:
    """All bytes of a file.

    Raises DataError: bad_uri, not_found, not_readable (a folder, a pipe, no permission), empty_file,
    too_large, or storage after three attempts at an object store that fails.
    """
    data = _read_local(uri, max_bytes) if is_local(uri) else _read_remote(uri, max_bytes)
    if not data:
        raise _refusal(FailureKind.EMPTY_FILE, "the file has no bytes")
    return data


def _read_local(uri: str, max_bytes: int) -> bytes:
    path = local_path(uri)
    try:
        info = path.stat()
        if not stat.S_ISREG(info.st_mode):
            raise _refusal(FailureKind.NOT_READABLE, "not a regular file")
        _refuse_large(info.st_size, max_bytes)
        return path.read_bytes()
    except FileNotFoundError:
        raise _refusal(FailureKind.NOT_FOUND, "no such file") from None
    except ValueError as error:
        reason = "a path cannot have a null byte" if "\0" in uri else str(error)
        raise _refusal(FailureKind.BAD_URI, reason) from error
    except OSError as error:
        raise _refusal(FailureKind.NOT_READABLE, error.strerror or str(error)) from error


def _read_remote(uri: str, max_bytes: int) -> bytes:
    from apache_beam.io.filesystem import BeamIOError, CompressionTypes
    from apache_beam.io.filesystems import FileSystems
    from google.api_core.exceptions import Forbidden, GoogleAPIError, NotFound
    from google.auth.exceptions import GoogleAuthError

    for attempt in range(1, ATTEMPTS + 1):
        try:
            plain = CompressionTypes.UNCOMPRESSED
            with FileSystems.open(uri, "application/octet-stream", compression_type=plain) as file:
                data: bytes = file.read(max_bytes + 1)
            _refuse_large(len(data), max_bytes)
        except ValueError as error:  # no file system for the scheme, or no name in the URI
            raise _refusal(FailureKind.BAD_URI, str(error)) from error
        except (NotFound, FileNotFoundError):
            raise _refusal(FailureKind.NOT_FOUND, "no such object", attempt) from None
        except (Forbidden, GoogleAuthError) as error:
            raise _refusal(FailureKind.NOT_READABLE, str(error), attempt) from error
        except (BeamIOError, GoogleAPIError, OSError) as error:
            if "404" in str(error):
                raise _refusal(FailureKind.NOT_FOUND, "no such object", attempt) from error
            if attempt == ATTEMPTS:
                raise _refusal(FailureKind.STORAGE, str(error), attempt) from error
            time.sleep(_PAUSE_S * 2**attempt)
        else:
            return data
    raise AssertionError("unreachable: the last attempt returns or raises")


def _refuse_large(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        message = (
            f"more than {max_bytes:,} bytes" if size == max_bytes + 1 else f"{size:,} bytes of {max_bytes:,}"
        )
        raise _refusal(FailureKind.TOO_LARGE, message)


def _refusal(kind: FailureKind, message: str, attempts: int = 1) -> DataError:
    return DataError(kind, Stage.READ, message, attempts=attempts)
