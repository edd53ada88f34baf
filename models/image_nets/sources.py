"""Bytes of a file from where it lies: http(s), a local path or file://, gs://, from any position on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from schemas.errors import DataError, FailureKind, Stage

if TYPE_CHECKING:
    import requests

_BLOCK_BYTES = 1 << 14  # what a broken connection loses at most
_CONNECT_S, _READ_S = 10, 60
_BUSY = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)


class TransferError(Exception):
    """A transfer that broke off or was put off: another try may succeed."""


@dataclass(frozen=True, slots=True)
class Stream:
    """Bytes from `start` on of a file of `total` bytes (0 where the server does not say)."""

    start: int
    total: int
    blocks: Iterator[bytes]


def open_stream(url: str, *, start: int) -> AbstractContextManager[Stream]:
    """The file from byte `start` on, or from its beginning where its server cannot give less.

    Raises TransferError where another try may help, at once or from the blocks; DataError where none will.
    """
    scheme = urlsplit(url).scheme
    if scheme in ("http", "https"):
        return _http(url, start)
    if scheme == "gs":
        return _object(url, start)
    if scheme in ("", "file"):
        return _local(url, start)
    raise _final(FailureKind.BAD_URI, f"{url}: {scheme}:// is not understood, only https://, gs:// and files")


@contextmanager
def _http(url: str, start: int) -> Iterator[Stream]:
    import requests

    # Without it a server may send the file compressed, and byte positions would be those of the packed one.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        response = requests.get(url, headers=headers, stream=True, timeout=(_CONNECT_S, _READ_S))
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as error:
        raise _final(FailureKind.BAD_URI, f"{url}: {error}") from error
    except requests.RequestException as error:
        raise TransferError(str(error)) from error
    with response:
        begin = _first_byte(response)
        if begin == start or not start:
            _refuse_status(response, url)
            yield Stream(begin or 0, _total(response), _blocks(response))
            return
        if begin == 0:
            yield Stream(0, _total(response), _blocks(response))
            return
        if response.status_code not in (
            HTTPStatus.PARTIAL_CONTENT,
            HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
        ):
            _refuse_status(response, url)
    with _http(url, 0) as stream:
        yield stream


def _first_byte(response: requests.Response) -> int | None:
    """Position of the first byte that comes, None where none does."""
    if response.status_code == HTTPStatus.OK:
        return 0
    found = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(found[1]) if response.status_code == HTTPStatus.PARTIAL_CONTENT and found else None


def _total(response: requests.Response) -> int:
    if response.status_code == HTTPStatus.PARTIAL_CONTENT:
        found = re.search(r"/(\d+)$", response.headers.get("Content-Range", ""))
        return int(found[1]) if found else 0
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdigit() else 0


def _refuse_status(response: requests.Response, url: str) -> None:
    status = response.status_code
    if status in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
        return
    said = f"{status} {response.reason}"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _BUSY:
        raise TransferError(f"the server answers {said}")
    missing = status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
    kind = FailureKind.NOT_FOUND if missing else FailureKind.NOT_READABLE
    hint = "a mirror that has the file can be named with --mirror URL"
    raise _final(kind, f"{url}: the server answers {said}; {hint}")


def _blocks(response: requests.Response) -> Iterator[bytes]:
    import requests

    try:
        yield from response.iter_content(_BLOCK_BYTES)
    except requests.RequestException as error:
        raise TransferError(str(error)) from error


@contextmanager
def _local(url: str, start: int) -> Iterator[Stream]:
    parts = urlsplit(url)
    path = Path(unquote(parts.path)) if parts.scheme else Path(url)
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise _final(FailureKind.NOT_FOUND, f"{path}: no such file") from None
    except OSError as error:
        raise _final(FailureKind.NOT_READABLE, f"{path}: {error.strerror}") from error
    with file:
        yield _from_file(file, start, path.stat().st_size)


@contextmanager
def _object(url: str, start: int) -> Iterator[Stream]:
    import gcsfs

    try:
        store = gcsfs.GCSFileSystem()
        size = int(store.info(url)["size"])
        file = store.open(url, "rb")
    except FileNotFoundError:
        raise _final(FailureKind.NOT_FOUND, f"{url}: no such object") from None
    except OSError as error:
        raise TransferError(str(error)) from error
    with file:
        yield _from_file(file, start, size)


def _from_file(file: IO[bytes], start: int, size: int) -> Stream:
    begin = start if start < size else 0
    file.seek(begin)
    return Stream(begin, size, _reads(file))


def _reads(file: IO[bytes]) -> Iterator[bytes]:
    try:
        while block := file.read(1 << 20):
            yield block
    except OSError as error:
        raise TransferError(str(error)) from error


def _final(kind: FailureKind, message: str) -> DataError:
    return DataError(kind, Stage.INPUT, message)
