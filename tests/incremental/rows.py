"""Rows that are compared: what is listed of a track, and what a run has left of the same track."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from schemas.track import Track
from schemas.work import Reason, WorkKey
from transforms.incremental.compare import Compared, Remembered
from transforms.incremental.earlier import EARLIER
from transforms.incremental.listed import columns_hash, listed_schema, to_batch
from transforms.incremental.policy import Policy

WORK = WorkKey("front", "model", "settings", "decision")
POLICY = Policy("/music", WORK)
COLUMNS = [pa.field("title", pa.string())]
FAILED: dict[str, Any] = {"status": "failed", "failure": "corrupt"}


def listed(track_id: str = "a", **changes: Any) -> dict[str, Any]:
    """A listed row."""
    track = Track(track_id, f"/music/{track_id}", {"title": "Blue"}, 1, source_version="10 20")
    [row] = to_batch([track], listed_schema(COLUMNS)).to_pylist()
    return {**row, **changes}


def earlier(track_id: str = "a", **changes: Any) -> dict[str, Any]:
    """The row of `tracks` that a run has left of the same track, with the place where it lies."""
    row = dict.fromkeys(EARLIER.names)
    row |= {"track_id": track_id, "uri": f"/music/{track_id}", "status": "tagged", "reason": "new"}
    row |= {"run_id": "1", "source_version": "10 20", "input": "/music"}
    row |= {"file": "/run/tracks.parquet", "row_group": 2, "row_in_group": 3}
    row |= {f"{name}_hash": getattr(WORK, name) for name in ("front_end", "model", "settings", "decision")}
    return {**row, "columns_hash": columns_hash({"title": "Blue"}), **changes}


def listed_table(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Listed rows as a shard has them."""
    return pa.Table.from_pylist([dict(row) for row in rows], schema=listed_schema(COLUMNS))


def earlier_table(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Earlier rows as a shard has them."""
    return pa.Table.from_pylist([dict(row) for row in rows], schema=EARLIER)


def ids_of(found: Iterable[Compared]) -> dict[str, Reason]:
    """Tracks that are to do, and why."""
    tracks = [one.track if isinstance(one, Remembered) else one for one in found]
    return {one.track_id: one.reason for one in tracks if isinstance(one, Track)}
