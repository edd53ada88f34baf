"""All of a track's curves as an interval, from the rows that the tables have of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pipelines.intervals.interval import AXES, Interval, Shares


def whole_track(
    row: Mapping[str, Any], antonyms: Sequence[Mapping[str, Any]], *, track_s: float | None
) -> Interval:
    """All of a track from its row of `emotion_curves` and its rows of `antonyms`.

    `track_s` is how long it is; where that is not known it ends with its last step.
    """
    names = [f"{axis}{what}" for axis in AXES for what in ("", "_spread")]
    curves = {name: np.asarray(row[name], np.float32) for name in names}
    end_s = float(row["start_s"] + row["step_s"] * len(curves["valence"]))
    return Interval(
        track_id=row["track_id"],
        from_s=0.0,
        to_s=max(end_s, track_s or 0.0),
        start_s=float(row["start_s"]),
        step_s=float(row["step_s"]),
        curves=curves,
        change_points_s=tuple(float(at) for at in row["change_points_s"]),
        shares=tuple(
            Shares(
                one["pair"],
                float(one["start_s"]),
                float(one["step_s"]),
                np.asarray(one["shares"], np.float32),
            )
            for one in antonyms
            if len(one["shares"])
        ),
    )
