"""Table `mood_tags`: one row for every tagged track and tag."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from schemas.table import Table, optional, required


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
    grade: str
    off: bool
    contradicts: str | None
    run_id: str


MOOD_TAGS = Table(
    name="mood_tags",
    version=2,
    columns=(
        required("track_id", pa.string(), "as in tracks"),
        required("tag", pa.string(), "MTG-Jamendo mood/theme tag, without its prefix"),
        required("score", pa.float32(), "calibrated score in [0, 1]"),
        required("raw_score", pa.float32(), "mean over the fused members, before calibration, in [0, 1]"),
        required("threshold", pa.float32(), "on the calibrated score"),
        required(
            "tagged",
            pa.bool_(),
            "score > threshold, but never where the tag is off (unless --all-tags asked for it) or where its "
            "opposite in contradicts is further above its own threshold",
        ),
        required("rank", pa.int16(), "1 for the highest score of the track"),
        required("disagreement", pa.float32(), "standard deviation of the fused members' raw scores"),
        required(
            "grade",
            pa.string(),
            "A, B, C or D: how well the tag is told from others on unseen data, D is near chance; empty "
            "where the bundle has no grades",
        ),
        required(
            "off", pa.bool_(), "the tag's quality is too low for decisions unless --all-tags asks for them"
        ),
        optional(
            "contradicts",
            pa.string(),
            "the opposite tag, where both scores are above their thresholds: it stands on both, and the one "
            "with the larger logit(score) - logit(threshold) is tagged",
        ),
        required("run_id", pa.string(), "as in tracks"),
    ),
    row_group_rows=56_000,
)
