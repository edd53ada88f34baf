"""Emotion curves against rated ones: measures of every song, their mean and deviation, and pooled.

MediaEval 2015, Emotion in Music (Aljanaki et al.): RMSE and Pearson's r of every song, averaged over songs
with their standard deviation; Lin's concordance coefficient beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.evaluation.measures.agreement import agreement

AXES = ("valence", "arousal")


@dataclass(frozen=True, slots=True)
class SongCurves:
    """One song: `time_s` [steps], and of the same steps `truth` and `predicted` [steps, 2], in [-1, 1].

    Columns are valence and arousal.
    """

    song: str
    time_s: NDArray[np.float64]
    truth: NDArray[np.float64]
    predicted: NDArray[np.float64]


def evaluate_curves(songs: Sequence[SongCurves]) -> dict[str, Any]:
    """Measures of at least one song, ready for JSON, NaN as None.

    For each axis: `rmse_mean`, `rmse_sd`, `r_mean`, ... over songs (deviations over n), `rmse_pooled` and the
    like over all steps as one. A song whose curve or rating is constant has no r: `songs_without_r` counts
    them, and the means leave them out.
    """
    per_song = [_song(song) for song in songs]
    return {
        **{axis: _axis(songs, per_song, column) for column, axis in enumerate(AXES)},
        "songs": len(songs),
        "steps": sum(len(song.time_s) for song in songs),
        "by_song": [
            {"song": song.song, "steps": len(song.time_s), **_flat(found)}
            for song, found in zip(songs, per_song, strict=True)
        ],
    }


def _song(song: SongCurves) -> list[dict[str, float]]:
    return [agreement(song.truth[:, column], song.predicted[:, column]) for column in range(len(AXES))]


def _axis(
    songs: Sequence[SongCurves], per_song: Sequence[Sequence[dict[str, float]]], column: int
) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for name in ("rmse", "r", "ccc"):
        values = np.array([found[column][name] for found in per_song])
        known = values[np.isfinite(values)]
        figures[f"{name}_mean"] = float(known.mean()) if len(known) else None
        figures[f"{name}_sd"] = float(known.std()) if len(known) else None
    figures["songs_without_r"] = int(sum(not np.isfinite(found[column]["r"]) for found in per_song))
    truth, predicted = (
        np.concatenate([getattr(song, side)[:, column] for song in songs]) for side in ("truth", "predicted")
    )
    pooled = agreement(truth, predicted)
    return {**figures, **{f"{name}_pooled": number(value) for name, value in pooled.items()}}


def _flat(found: Sequence[dict[str, float]]) -> dict[str, float | None]:
    return {
        f"{axis}_{name}": number(value)
        for axis, values in zip(AXES, found, strict=True)
        for name, value in values.items()
    }


def number(value: float) -> float | None:
    """A number for JSON: None where it is not finite."""
    return float(value) if np.isfinite(value) else None
