"""Amazon S3, and what speaks like it, by boto3: the extra `aws`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from importlib.util import find_spec
from typing import Any, BinaryIO

from schemas.errors import DataError, FailureKind, Stage
from transforms.object_stores.body import Body, refuse_large
from transforms.object_stores.retries import CONNECTIONS, PASSING, TIMEOUT_S, TemporaryFaultError
from transforms.object_stores.store import CHANGED, Page, StoredObject, names_of

_PIECE_BYTES = 1 << 20


class AmazonStore:
    """See ObjectStore. One client for all threads of a process: it keeps its connections.

    DataError(bad_uri) at once where boto3 is not installed.
    """

    def __init__(self) -> None:
        if find_spec("boto3") is None:
            message = "s3:// needs boto3: pip install 'moodscribe[aws]'"
            raise DataError(FailureKind.BAD_URI, Stage.READ, message)

    def describe(self, uri: str) -> StoredObject:
        """See ObjectStore."""
        bucket, name = names_of(uri)
        with _faults():
            return _state(self._client.head_object(Bucket=bucket, Key=name), "ContentLength")

    def read(self, uri: str, *, max_bytes: int) -> bytes:
        """See ObjectStore."""
        bucket, name = names_of(uri)
        with _faults():
            return _received(self._client.get_object(Bucket=bucket, Key=name), max_bytes)

    def read_range(self, uri: str, start: int, end: int, *, source_version: str | None = None) -> bytes:
        """See ObjectStore."""
        bucket, name = names_of(uri)
        same = {"IfMatch": f'"{source_version.removeprefix("etag ")}"'} if source_version else {}
        with _faults():
            found = self._client.get_object(Bucket=bucket, Key=name, Range=f"bytes={start}-{end - 1}", **same)
            return _received(found, end - start)

    def page(self, prefix_uri: str, token: str | None) -> Page:
        """See ObjectStore."""
        bucket, prefix = names_of(prefix_uri, object_needed=False)
        further = {} if token is None else {"ContinuationToken": token}
        with _faults(absent="no such bucket"):
            found = self._client.list_objects_v2(Bucket=bucket, Prefix=prefix, **further)
        objects = tuple(
            (f"s3://{bucket}/{each['Key']}", _state(each, "Size")) for each in found.get("Contents", ())
        )
        return Page(objects, found.get("NextContinuationToken"))

    def write(self, uri: str, file: BinaryIO) -> None:
        """See ObjectStore. One request, with a checksum: S3 takes up to 5 GB so, and ours are smaller."""
        bucket, name = names_of(uri)
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        with _faults(absent="no such bucket"):
            self._client.put_object(Bucket=bucket, Key=name, Body=file, ContentLength=size)

    def copy(self, uri: str, target_uri: str) -> None:
        """See ObjectStore."""
        (bucket, name), (target_bucket, target) = names_of(uri), names_of(target_uri)
        with _faults():
            source = {"Bucket": bucket, "Key": name}
            self._client.copy_object(Bucket=target_bucket, Key=target, CopySource=source)

    def delete(self, uri: str) -> None:
        """See ObjectStore; S3 does not say whether there was one."""
        bucket, name = names_of(uri)
        with _faults():
            self._client.delete_object(Bucket=bucket, Key=name)

    @cached_property
    def _client(self) -> Any:
        return _new_client()


def _new_client() -> Any:
    """A client by Beam's options (--s3_endpoint_url and so on) of this process, or by the environment's."""
    import boto3
    from apache_beam.io.filesystems import FileSystems
    from apache_beam.options.pipeline_options import PipelineOptions, S3Options
    from botocore.config import Config

    options = (FileSystems._pipeline_options or PipelineOptions([])).view_as(S3Options)
    connect_s, read_s = TIMEOUT_S
    return boto3.session.Session().client(
        "s3",
        region_name=options.s3_region_name,
        api_version=options.s3_api_version,
        use_ssl=not options.s3_disable_ssl,
        verify=options.s3_verify,
        endpoint_url=options.s3_endpoint_url,
        aws_access_key_id=options.s3_access_key_id,
        aws_secret_access_key=options.s3_secret_access_key,
        aws_session_token=options.s3_session_token,
        config=Config(
            retries={"total_max_attempts": 1},
            max_pool_connections=CONNECTIONS,
            connect_timeout=connect_s,
            read_timeout=read_s,
        ),
    )


def _state(found: Any, size: str) -> StoredObject:
    etag = found["ETag"].strip('"')
    return StoredObject(f"etag {etag}", int(found[size]))


def _received(found: Any, max_bytes: int) -> bytes:
    refuse_large(int(found["ContentLength"]), max_bytes)
    body = Body(max_bytes)
    for piece in found["Body"].iter_chunks(_PIECE_BYTES):
        body.write(piece)
    return body.getvalue()


@contextmanager
def _faults(*, absent: str = "no such object") -> Iterator[None]:
    """Turn what boto3 raises into what a second try may mend, or what it cannot."""
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        HTTPClientError,
        IncompleteReadError,
        ParamValidationError,
    )
    from urllib3.exceptions import HTTPError

    try:
        yield
    except ClientError as error:
        raise _meaning(error.response, str(error), absent) from error
    except (HTTPClientError, IncompleteReadError, HTTPError, OSError) as error:
        raise TemporaryFaultError(str(error) or type(error).__name__) from error
    except ParamValidationError as error:
        raise DataError(FailureKind.BAD_URI, Stage.READ, str(error)) from error
    except BotoCoreError as error:  # no credentials, no region
        raise DataError(FailureKind.NOT_READABLE, Stage.READ, str(error)) from error


def _meaning(response: Any, message: str, absent: str) -> DataError | TemporaryFaultError:
    status, code = response["ResponseMetadata"].get("HTTPStatusCode"), response["Error"].get("Code")
    if status == 404:
        return DataError(FailureKind.NOT_FOUND, Stage.READ, absent)
    if status in (401, 403):
        return DataError(FailureKind.NOT_READABLE, Stage.READ, message)
    if status == 412:
        return DataError(FailureKind.STORAGE, Stage.READ, CHANGED)
    if status in PASSING or code == "RequestTimeout":
        wait = response["ResponseMetadata"].get("HTTPHeaders", {}).get("retry-after", "")
        return TemporaryFaultError(message, retry_after_s=float(wait) if wait.isdecimal() else 0.0)
    return DataError(FailureKind.STORAGE, Stage.READ, message)
