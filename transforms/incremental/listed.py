"""What an input lists, as Arrow rows and back: tracks, and outcomes of what needs no work."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from schemas.errors import DataError, FailureKind, Stage
from schemas.track import Outcome, Track
from schemas.tracks import Status
from schemas.work import hash_of

_COLUMNS = "columns"


def listed_schema(manifest_columns: Sequence[pa.Field]) -> pa.Schema:
    """Columns of listed rows: `status` is null for a track, else that of an outcome, with its failure."""
    fields = [
        pa.field("track_id", pa.string()),
        pa.field("uri", pa.string()),
        pa.field("row", pa.int64()),
        pa.field("content_md5", pa.string()),
        pa.field("source_version", pa.string()),
        pa.field("columns_hash", pa.string()),
        pa.field("status", pa.string()),
        pa.field("failure", pa.string()),
        pa.field("message", pa.string()),
    ]
    if manifest_columns:
        further = [pa.field(field.name, field.type) for field in manifest_columns]
        fields.append(pa.field(_COLUMNS, pa.struct(further)))
    return pa.schema(fields)


def to_batch(items: Sequence[Track | Outcome], schema: pa.Schema) -> pa.RecordBatch:
    """Tracks and outcomes as rows of that schema."""
    return pa.RecordBatch.from_pylist([_row(item) for item in items], schema=schema)


def columns_hash(columns: Mapping[str, Any]) -> str:
    """Hash of a manifest's columns of a track; empty where there are none."""
    return hash_of(columns) if columns else ""


def track_of(row: Mapping[str, Any]) -> Track:
    """The track of a listed row."""
    return Track(
        track_id=row["track_id"],
        uri=row["uri"],
        columns=row.get(_COLUMNS) or {},
        row=row["row"],
        content_md5=row["content_md5"],
        source_version=row["source_version"],
    )


def outcome_of(row: Mapping[str, Any]) -> Outcome:
    """The outcome of a listed row that has a status; its `source_version` says what was wrong."""
    error = DataError(FailureKind(row["failure"]), Stage.INPUT, row["message"]) if row["failure"] else None
    return Outcome(track_of(row), Status(row["status"]), error=error)


def _row(item: Track | Outcome) -> dict[str, Any]:
    track = item if isinstance(item, Track) else item.track
    row = {
        "track_id": track.track_id,
        "uri": track.uri,
        "row": track.row,
        "content_md5": track.content_md5,
        "source_version": track.source_version,
        "columns_hash": columns_hash(track.columns),
        _COLUMNS: track.columns or None,
    }
    if isinstance(item, Track):
        return row
    error = item.error
    return {
        **row,
        "source_version": _version_of(error) if error else None,
        "status": item.status.value,
        "failure": error.kind.value if error else None,
        "message": error.message if error else None,
    }


def _version_of(error: DataError) -> str:
    """State of an input that cannot even be read: what is wrong with it."""
    return "listed " + hashlib.sha256(error.message.encode("utf-8", "replace")).hexdigest()[:16]
