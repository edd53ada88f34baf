"""Manifests (.csv, .jsonl, .parquet) to tracks, further columns carried along."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from schemas.errors import DataError, FailureKind, Stage
from schemas.tables import carried_name
from schemas.track import Outcome, Track
from schemas.tracks import Status
from transforms.inputs.manifest_formats import FORMATS, ManifestFormat
from transforms.inputs.manifest_row import Row, is_text, refusal
from transforms.storage import is_local, join, local_path, open_file, scheme

REQUIRED = ("track_id", "uri")


def open_manifest(uri: str) -> BinaryIO:
    """The manifest's bytes as a file; DataError(not_found, not_readable) names it."""
    try:
        # A pipe would be waited for, and read only once.
        if is_local(uri) and local_path(uri).exists() and not local_path(uri).is_file():
            raise DataError(FailureKind.NOT_READABLE, Stage.INPUT, f"{uri}: not a regular file")
        file = open_file(uri, stage=Stage.INPUT)
    except FileNotFoundError:
        raise DataError(FailureKind.NOT_FOUND, Stage.INPUT, f"{uri}: no such manifest") from None
    except OSError as error:
        raise DataError(FailureKind.NOT_READABLE, Stage.INPUT, f"{uri}: {error}") from error
    return file


def manifest_columns(uri: str) -> list[pa.Field]:
    """The further columns of a manifest as they will stand in `tracks`.

    CSV columns are text as written (an id with leading zeros stays one); JSONL columns have the type of
    their values, text where these differ; Parquet columns keep theirs. Raises DataError(bad_input) for a
    manifest without track_id or uri.
    """
    with open_manifest(uri) as file:
        fields = _format(uri).fields(uri, file)
    names = [field.name for field in fields]
    for name in REQUIRED:
        if name not in names:
            found = ", ".join(names) or "none"
            raise refusal(f"{uri}: column {name!r} is missing; its columns: {found}")
    further = [field.with_name(carried_name(field.name)) for field in fields if field.name not in REQUIRED]
    if len(set(names)) != len(names) or len({field.name for field in further}) != len(further):
        raise refusal(f"{uri}: two columns have the same name: {', '.join(names)}")
    return further


def manifest_rows(uri: str, columns: Mapping[str, pa.DataType]) -> Iterator[Row]:
    """Rows of a manifest one by one; `columns` as `manifest_columns` gives them, by name in `tracks`."""
    with open_manifest(uri) as file:
        for row in _format(uri).rows(uri, file):
            values = {
                name: _cast(value, columns.get(carried_name(name))) for name, value in row.values.items()
            }
            yield replace(row, values=values)


def to_track(row: Row, manifest_uri: str) -> Track | Outcome:
    """The track of a row, relative uris taken from the manifest's folder; a failed Outcome for a bad row."""
    track_id, uri = (_text(row.values.get(name)) for name in REQUIRED)
    if problem := row.problem or _problem(row, track_id=track_id, uri=uri):
        shown = Track(_shown(track_id) or f"{manifest_uri}#{row.number}", _shown(uri), row=row.number)
        message = f"row {row.number} of {manifest_uri}: {problem}"
        error = DataError(FailureKind.BAD_MANIFEST_ROW, Stage.INPUT, message)
        return Outcome(shown, Status.FAILED, error=error)
    carried = {carried_name(name): value for name, value in row.values.items() if name not in REQUIRED}
    return Track(track_id, resolve(uri, manifest_uri), carried, row.number)


def resolve(uri: str, manifest_uri: str) -> str:
    """An absolute URI: relative paths are taken from the folder of the manifest."""
    if scheme(uri) or uri.startswith("/"):
        return uri
    if is_local(manifest_uri) and not manifest_uri.startswith("/"):
        manifest_uri = str(local_path(manifest_uri).absolute())
    return join(manifest_uri.rpartition("/")[0], uri)


def _text(value: Any) -> str:
    """An id or an uri as text: a number is what is written, bytes are UTF-8."""
    if value is None:
        return ""
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)


def _problem(row: Row, *, track_id: str, uri: str) -> str | None:
    if not all(map(is_text, (track_id, uri, *row.values.values()))):
        return "not UTF-8"
    for name, text in (("track_id", track_id), ("uri", uri)):
        if not text:
            return f"{name} is empty"
        if isinstance(row.values[name], list | dict):
            return f"{name} is no text: {text[:60]}"
    return None


def _format(uri: str) -> ManifestFormat:
    return FORMATS[Path(uri).suffix.lower()]


def _cast(value: Any, kind: pa.DataType | None) -> Any:
    """A value as the type of its column: only JSONL has values of several types in one."""
    if value is None or kind is None:
        return value
    if kind == pa.string() and not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return float(value) if kind == pa.float64() else value


def _shown(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
