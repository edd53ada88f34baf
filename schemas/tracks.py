"""Table `tracks`: one row for every input, whatever became of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa

from schemas.table import Table, optional, required


class Status(StrEnum):
    """What became of an input: tagged in the main job, extracted where features were asked for."""

    TAGGED = "tagged"
    EXTRACTED = "extracted"
    FAILED = "failed"
    SKIPPED = "skipped"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class TrackRow:
    """One row of `tracks`, but for the columns that a manifest adds."""

    track_id: str
    uri: str
    status: str
    run_id: str
    bundle: str
    settings_hash: str
    duplicate_of: str | None = None
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
    version=1,
    columns=(
        required("track_id", pa.string(), "the catalogue's id, or the whole URI where there is no manifest"),
        required("uri", pa.string(), "where the file was read"),
        required(
            "status", pa.string(), "tagged (extracted in a run of features), failed, skipped or duplicate"
        ),
        optional("duplicate_of", pa.string(), "track_id of the first track with the same decoded samples"),
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
        required("settings_hash", pa.string(), "of all settings that can change a result"),
    ),
    row_group_rows=20_000,
)
