"""Table `emotion_curves`: valence and arousal of every tagged track over time, and their summary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from schemas.table import Table, required


@dataclass(frozen=True, slots=True)
class EmotionCurveRow:
    """One row of `emotion_curves`; value k of a list is of the step from start_s + k * step_s on."""

    track_id: str
    start_s: float
    step_s: float
    valence: Sequence[float]
    arousal: Sequence[float]
    valence_spread: Sequence[float]
    arousal_spread: Sequence[float]
    valence_mean: float
    valence_min: float
    valence_max: float
    valence_slope: float
    arousal_mean: float
    arousal_min: float
    arousal_max: float
    arousal_slope: float
    q1_share: float
    q2_share: float
    q3_share: float
    q4_share: float
    quadrant: str
    change_points_s: Sequence[float]
    colour: str
    colour_step_s: float
    colours: Sequence[str]
    run_id: str


_CURVE = pa.list_(pa.field("item", pa.float32(), nullable=False))

EMOTION_CURVES = Table(
    name="emotion_curves",
    version=1,
    columns=(
        required("track_id", pa.string(), "as in tracks"),
        required("start_s", pa.float64(), "time of the first value, seconds"),
        required("step_s", pa.float64(), "time between values, seconds"),
        required("valence", _CURVE, "unpleasant -1 to pleasant 1, one value a step"),
        required("arousal", _CURVE, "calm -1 to excited 1, one value a step"),
        required("valence_spread", _CURVE, "standard deviation over the members, one value a step"),
        required("arousal_spread", _CURVE, "standard deviation over the members, one value a step"),
        required("valence_mean", pa.float32(), "over the track"),
        required("valence_min", pa.float32(), "over the track"),
        required("valence_max", pa.float32(), "over the track"),
        required("valence_slope", pa.float32(), "of the least-squares line, change a minute"),
        required("arousal_mean", pa.float32(), "over the track"),
        required("arousal_min", pa.float32(), "over the track"),
        required("arousal_max", pa.float32(), "over the track"),
        required("arousal_slope", pa.float32(), "of the least-squares line, change a minute"),
        required("q1_share", pa.float32(), "share of time with valence >= 0, arousal >= 0: happy, excited"),
        required("q2_share", pa.float32(), "share of time with valence < 0, arousal >= 0: tense, angry"),
        required("q3_share", pa.float32(), "share of time with valence < 0, arousal < 0: sad, gloomy"),
        required("q4_share", pa.float32(), "share of time with valence >= 0, arousal < 0: calm, content"),
        required("quadrant", pa.string(), "of the means: Q1 to Q4"),
        required("change_points_s", _CURVE, "times at which the emotion moves to another level, seconds"),
        required("colour", pa.string(), "of the means, #rrggbb"),
        required("colour_step_s", pa.float64(), "time between colours, seconds"),
        required(
            "colours",
            pa.list_(pa.field("item", pa.string(), nullable=False)),
            "along the track, of the mean over each colour step, #rrggbb",
        ),
        required("run_id", pa.string(), "as in tracks"),
    ),
    row_group_rows=1_000,
)
