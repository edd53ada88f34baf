"""GoogleStore: Google Cloud Storage, a request a call but for large files."""

from __future__ import annotations

import os
from functools import cached_property
from typing import Any, BinaryIO

from transforms.object_stores.body import Body
from transforms.object_stores.google_cloud.faults import faults
from transforms.object_stores.google_cloud.upload import CONTENT_TYPE, upload
from transforms.object_stores.retries import CONNECTIONS, TIMEOUT_S
from transforms.object_stores.store import Page, StoredObject, names_of

# The most that the client sends by one request.
_LARGE_BYTES = 8 << 20
_PAGE = 1000
_LISTED = "items(name,size,generation,md5Hash),nextPageToken"


class GoogleStore:
    """See ObjectStore. One client for all threads of a process: it keeps its connections."""

    def describe(self, uri: str) -> StoredObject:
        """See ObjectStore."""
        with faults():
            blob = self._blob(uri)
            blob.reload(retry=None, timeout=TIMEOUT_S)
            return _state(blob)

    def page(self, prefix_uri: str, token: str | None) -> Page:
        """See ObjectStore."""
        bucket, prefix = names_of(prefix_uri, object_needed=False)
        with faults(absent="no such bucket"):
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
        with faults():
            blob = self._blob(uri)
            body = Body(max_bytes)
            blob.download_to_file(body, raw_download=True, retry=None, timeout=TIMEOUT_S)
            return body.getvalue()

    def read_range(self, uri: str, start: int, end: int, *, source_version: str | None = None) -> bytes:
        """See ObjectStore."""
        generation = int(source_version.removeprefix("generation ")) if source_version else None
        with faults():
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
        """See ObjectStore. The store checks it by a checksum that is sent along."""
        size = file.seek(0, os.SEEK_END)
        if size > _LARGE_BYTES:
            upload(self._client, self._blob(uri), file, size=size)
            return
        with faults(absent="no such bucket"):
            self._blob(uri).upload_from_file(
                file, rewind=True, size=size, content_type=CONTENT_TYPE, retry=None, timeout=TIMEOUT_S
            )

    def copy(self, uri: str, target_uri: str) -> None:
        """See ObjectStore."""
        with faults():
            source, target = self._blob(uri), self._blob(target_uri)
            source.bucket.copy_blob(source, target.bucket, target.name, retry=None, timeout=TIMEOUT_S)

    def delete(self, uri: str) -> None:
        """See ObjectStore."""
        with faults():
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

    # For traces that nobody asked for the client would look up buckets, in threads of its own, for minutes.
    os.environ.setdefault("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA", "true")
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
