"""Large files to Google Cloud Storage piece by piece, each tried again for itself, from where the store is.

open a session -> piece -> piece -> ... -> piece: the object appears
                    '- unheard of? ask how much has come, go on there
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO

from schemas.errors import Stage
from transforms.object_stores.google_cloud.faults import faults
from transforms.object_stores.retries import TIMEOUT_S, Purpose, TemporaryFaultError, persistently

CONTENT_TYPE = "application/octet-stream"
# Held in memory; the store wants a multiple of 256 KiB.
_PIECE_BYTES = 16 << 20
_DONE, _GOES_ON, _GONE = (200, 201), 308, (404, 410)


class _SessionLostError(Exception):
    """The store knows a session no longer, or knows it as ended."""


def upload(client: Any, blob: Any, file: BinaryIO, *, size: int) -> None:
    """Give an object the bytes of a file; the store compares them with their checksum.

    Raises DataError(storage) after the last try at a piece, TemporaryFaultError where all has to begin anew.
    """
    uri = f"gs://{blob.bucket.name}/{blob.name}"
    blob.md5_hash = _md5(file)
    url = _tried(partial(_open, blob, size), uri)
    session = _Session(client, url, file, size)
    while session.sent < size:
        try:
            _tried(session.send, uri)
        except _SessionLostError as error:
            raise TemporaryFaultError("the upload has to begin anew") from error


def _md5(file: BinaryIO) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    file.seek(0)
    while piece := file.read(_PIECE_BYTES):
        digest.update(piece)
    return base64.b64encode(digest.digest()).decode()


def _tried(action: Any, uri: str) -> Any:
    return persistently(action, purpose=Purpose.WRITE, stage=Stage.OUTPUT, uri=uri)


def _open(blob: Any, size: int) -> str:
    with faults(absent="no such bucket"):
        url: str = blob.create_resumable_upload_session(
            CONTENT_TYPE, size, checksum=None, retry=None, timeout=TIMEOUT_S
        )
    return url


@dataclass(slots=True)
class _Session:
    """An upload under way: `sent` bytes have come, if the last piece was `heard` of."""

    client: Any
    url: str
    file: BinaryIO
    size: int
    sent: int = 0
    heard: bool = True

    def send(self) -> None:
        """Send the next piece, or ask first how much has come; one request of each."""
        if not self.heard:
            self._ask(b"", f"bytes */{self.size}")
            self.heard = True
        if self.sent < self.size:
            self.file.seek(self.sent)
            piece = self.file.read(_PIECE_BYTES)
            self.heard = False
            self._ask(piece, f"bytes {self.sent}-{self.sent + len(piece) - 1}/{self.size}")
            self.heard = True

    def _ask(self, data: bytes, content_range: str) -> None:
        from google.api_core.exceptions import from_http_response

        with faults():
            answer = self.client._http.put(
                self.url, data=data, headers={"Content-Range": content_range}, timeout=TIMEOUT_S
            )
            if answer.status_code in _GONE:
                raise _SessionLostError
            if answer.status_code not in (*_DONE, _GOES_ON):
                raise from_http_response(answer)
        come = re.fullmatch(r"bytes=0-(\d+)", answer.headers.get("Range", ""))
        self.sent = self.size if answer.status_code in _DONE else int(come[1]) + 1 if come else 0
