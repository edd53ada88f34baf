"""What earlier runs have of each track: their rows of `tracks`, the last one of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.track import FileFacts, Known
from schemas.tracks import TRACKS, Status
from schemas.work import WorkKey
from transforms.storage import open_file

_FACTS = (
    "file_sha256",
    "bytes",
    "audio_sha256",
    "duration_s",
    "decoded_s",
    "partial_decode",
    "sample_rate_hz",
    "channels",
    "codec",
)
_DONE = frozenset({Status.TAGGED, Status.EXTRACTED, Status.DUPLICATE})


def earlier_rows(uri: str) -> Iterator[pa.RecordBatch]:
    """Rows of a file of `tracks`, without a manifest's columns; null where its version has no such column."""
    with open_file(uri) as file:
        source = pq.ParquetFile(file)
        here = set(source.schema_arrow.names)
        for batch in source.iter_batches(columns=[name for name in TRACKS.schema.names if name in here]):
            yield pa.RecordBatch.from_arrays(
                [
                    batch.column(field.name) if field.name in here else pa.nulls(len(batch), field.type)
                    for field in TRACKS.columns
                ],
                names=TRACKS.schema.names,
            )


def is_done(row: Mapping[str, Any]) -> bool:
    """Whether an earlier run has results of the track."""
    return row["status"] in _DONE


def known_of(row: Mapping[str, Any], work: WorkKey) -> Known | None:
    """What an earlier row tells a run with that key of a track's results; None for one without results."""
    if not is_done(row):
        return None
    made_by = tuple(row[f"{name}_hash"] for name in ("front_end", "model", "settings"))
    facts = FileFacts(**{name: row[name] for name in _FACTS})
    return Known(row["run_id"], facts, stands=made_by == work.computed)
