"""Google Cloud Storage by its own client, one request a call."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, BinaryIO

from schemas.errors import DataError, FailureKind, Stage
from transforms.object_stores.body import Body
from transforms.object_stores.retries import CONNECTIONS, PASSING, TIMEOUT_S, TemporaryFaultError
from transforms.object_stores.store import Page, StoredObject, names_of

# Files above 8 MiB go up in pieces of this size, each held in memory.
_CHUNK_BYTES = 32 << 20
_PAGE = 1000
_LISTED = "items(name,size,generation,md5Hash),nextPageToken"


class GoogleStore:
    """See ObjectStore. One client for all threads of a process: it keeps its connections."""

    def describe(self, uri: str) -> StoredObject:
        """See ObjectStore."""
        with _faults():
            blob = self._blob(uri)
            blob.reload(retry=None, timeout=TIMEOUT_S)
            return _state(blob)

    def page(self, prefix_uri: str, token: str | None) -> Page:
        """See ObjectStore."""
        bucket, prefix = names_of(prefix_uri, object_needed=False)
        with _faults(absent="no such bucket"):
            listing = self._client.list_blobs(
                bucket,
                prefix=prefix,
                page_token=token,
                page_size=_PAGE,
                fields=_LISTED,
                retry=None,
                timeout=TIMEOUT_S,
            )
            blobs = next(listing.pages)
            objects = tuple((f"gs://{bucket}/{blob.name}", _state(blob)) for blob in blobs)
            return Page(objects, listing.next_page_token)

    def read(self, uri: str, *, max_bytes: int) -> bytes:
        """See ObjectStore. One request; the client checks the checksum that comes with it."""
        with _faults():
            blob = self._blob(uri)
            body = Body(max_bytes)
            blob.download_to_file(body, raw_download=True, retry=None, timeout=TIMEOUT_S)
            return body.getvalue()

    def read_range(self, uri: str, start: int, end: int, *, source_version: str) -> bytes:
        """See ObjectStore."""
        generation = int(source_version.removeprefix("generation "))
        with _faults():
            body = Body(end - start)
            self._blob(uri).download_to_file(
                body,
                start=start,
                end=end - 1,
                if_generation_match=generation,
                raw_download=True,
                retry=None,
                timeout=TIMEOUT_S,
            )
            return body.getvalue()

    def write(self, uri: str, file: BinaryIO) -> None:
        """See ObjectStore. The store checks it by a checksum; or the client does, after several requests."""
        with _faults(absent="no such bucket"):
            blob = self._blob(uri)
            blob.chunk_size = _CHUNK_BYTES
            size = file.seek(0, os.SEEK_END)
            blob.upload_from_file(
                file,
                rewind=True,
                size=size,
                content_type="application/octet-stream",
                retry=None,
                timeout=TIMEOUT_S,
            )

    def copy(self, uri: str, target_uri: str) -> None:
        """See ObjectStore."""
        with _faults():
            source, target = self._blob(uri), self._blob(target_uri)
            source.bucket.copy_blob(source, target.bucket, target.name, retry=None, timeout=TIMEOUT_S)

    def delete(self, uri: str) -> None:
        """See ObjectStore."""
        with _faults():
            self._blob(uri).delete(retry=None, timeout=TIMEOUT_S)

    def _blob(self, uri: str) -> Any:
        bucket, name = names_of(uri)
        return self._client.bucket(bucket).blob(name)

    @cached_property
    def _client(self) -> Any:
        return _new_client()


def _new_client() -> Any:
    """A client with the credentials and options of this process, launcher or worker, as Beam has them."""
    from requests.adapters import HTTPAdapter

    if os.environ.get("STORAGE_EMULATOR_HOST"):
        from google.cloud import storage

        # An emulator knows nobody, and Beam would look for credentials for half a minute.
        client = storage.Client.create_anonymous_client()
    else:
        from apache_beam.io.filesystems import FileSystems

        client = FileSystems.get_filesystem("gs://")._gcsIO().client
    for beginning in ("http://", "https://"):
        client._http.mount(beginning, HTTPAdapter(pool_maxsize=CONNECTIONS))
    return client


def _state(blob: Any) -> StoredObject:
    return StoredObject(f"generation {blob.generation}", int(blob.size), blob.md5_hash or None)


@contextmanager
def _faults(*, absent: str = "no such object") -> Iterator[None]:
    """Turn what the client raises into what a second try may mend, or what it cannot."""
    from google.api_core.exceptions import Forbidden, GoogleAPICallError, NotFound, Unauthorized
    from google.auth.exceptions import GoogleAuthError, TransportError
    from google.cloud.storage.exceptions import DataCorruption
    from requests import RequestException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except NotFound as error:
        raise _refusal(FailureKind.NOT_FOUND, absent) from error
    except (Forbidden, Unauthorized) as error:
        raise _refusal(FailureKind.NOT_READABLE, str(error)) from error
    except GoogleAPICallError as error:
        if error.code in PASSING:
            raise TemporaryFaultError(str(error), retry_after_s=_retry_after_s(error.response)) from error
        raise _refusal(FailureKind.STORAGE, str(error)) from error
    except GoogleAuthError as error:
        if isinstance(error, TransportError):
            raise TemporaryFaultError(f"credentials: {error}") from error
        raise _refusal(FailureKind.NOT_READABLE, str(error)) from error
    except (DataCorruption, RequestException, HTTPError, OSError) as error:
        raise TemporaryFaultError(str(error) or type(error).__name__) from error


def _retry_after_s(response: Any) -> float:
    value = response.headers.get("Retry-After", "") if response is not None else ""
    return float(value) if value.isdecimal() else 0.0


def _refusal(kind: FailureKind, message: str) -> DataError:
    return DataError(kind, Stage.READ, message)
