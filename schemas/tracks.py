"""Table `tracks`: one row for every input, whatever became of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa

from schemas.table import Table, optional, required


class Status(StrEnum):
    """What became of an input: tagged in the main job, extracted where features were asked for.

    A track that is gone was in an earlier run and is in the input no longer: its row is its tombstone.
    """

    TAGGED = "tagged"
    EXTRACTED = "extracted"
    FAILED = "failed"
    SKIPPED = "skipped"
    DUPLICATE = "duplicate"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class TrackRow:
    """One row of `tracks`, but for the columns that a manifest adds."""

    track_id: str
    uri: str
    status: str
    reason: str
    run_id: str
    bundle: str
    input: str
    front_end_hash: str
    model_hash: str
    settings_hash: str
    decision_hash: str
    columns_hash: str
    failure: str | None = None
    duplicate_of: str | None = None
    source_version: str | None = None
    content_md5: str | None = None
    audio_sha256: str | None = None
    file_sha256: str | None = None
    bytes: int | None = None
    duration_s: float | None = None
    decoded_s: float | None = None
    partial_decode: bool | None = None
    sample_rate_hz: int | None = None
    channels: int | None = None
    codec: str | None = None


TRACKS = Table(
    name="tracks",
    version=2,
    columns=(
        required("track_id", pa.string(), "the catalogue's id, or the whole URI where there is no manifest"),
        required("uri", pa.string(), "where the file was read"),
        required(
            "status",
            pa.string(),
            "tagged (extracted in a run of features), failed, skipped, duplicate, or gone: in an earlier run "
            "but no longer in the input",
        ),
        required("reason", pa.string(), "why it is in this run: a value of schemas.work.Reason"),
        optional("failure", pa.string(), "as kind in failures; null where it did not fail"),
        optional("duplicate_of", pa.string(), "track_id of the first track with the same decoded samples"),
        optional(
            "source_version",
            pa.string(),
            "state of the object, told without reading it: its generation, or its size and time of change",
        ),
        optional("content_md5", pa.string(), "the object store's own checksum of the bytes"),
        optional("audio_sha256", pa.string(), "of the decoded samples: mono float32 at the front end's rate"),
        optional("file_sha256", pa.string(), "of the file's bytes"),
        optional("bytes", pa.int64(), "size of the file"),
        optional("duration_s", pa.float64(), "as the file declares it; null where it does not"),
        optional("decoded_s", pa.float64(), "of the samples that could be decoded"),
        optional("partial_decode", pa.bool_(), "less than 95 % of the declared duration was decoded"),
        optional("sample_rate_hz", pa.int32(), "of the file"),
        optional("channels", pa.int32(), "of the file"),
        optional("codec", pa.string(), "of the file"),
        required("run_id", pa.string(), "the run that wrote the row; run ids sort by time"),
        required(
            "bundle", pa.string(), "name, version and hash of the bundle; in a run of features, the front end"
        ),
        required("input", pa.string(), "INPUT of the run"),
        required("front_end_hash", pa.string(), "of the front ends, with versions and settings"),
        required("model_hash", pa.string(), "of models and weights"),
        required("settings_hash", pa.string(), "of how tracks are cut"),
        required("decision_hash", pa.string(), "of calibration, thresholds and grades"),
        required("columns_hash", pa.string(), "of the manifest's columns; empty without a manifest"),
    ),
    row_group_rows=20_000,
)
