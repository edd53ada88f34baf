"""Table `mood_tags`: one row for every tagged track and tag."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from schemas.table import Table, required


@dataclass(frozen=True, slots=True)
class MoodTagRow:
    """One row of `mood_tags`."""

    track_id: str
    tag: str
    score: float
    raw_score: float
    threshold: float
    tagged: bool
    rank: int
    disagreement: float
    run_id: str


MOOD_TAGS = Table(
    name="mood_tags",
    version=1,
    columns=(
        required("track_id", pa.string(), "as in tracks"),
        required("tag", pa.string(), "MTG-Jamendo mood/theme tag, without its prefix"),
        required("score", pa.float32(), "calibrated score in [0, 1]"),
        required("raw_score", pa.float32(), "mean over the fused members, before calibration, in [0, 1]"),
        required("threshold", pa.float32(), "on the calibrated score"),
        required("tagged", pa.bool_(), "score > threshold"),
        required("rank", pa.int16(), "1 for the highest score of the track"),
        required("disagreement", pa.float32(), "standard deviation of the fused members' raw scores"),
        required("run_id", pa.string(), "as in tracks"),
    ),
    row_group_rows=56_000,
)
