"""Measures of a fold as MediaEval has them: of every song, then averaged over songs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.evaluation.curves import AXES, SongCurves, evaluate_curves
from models.evaluation.measures.agreement import agreement
from models.regressors.targets import target_names
from models.training.data.tables import bad_data
from models.training.systems.targets import STEP_S, on_steps

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Applied:
    """What a net of a `target` gives for tracks, [steps, targets] by id, and the ratings of these tracks,
    [targets] or [steps, targets]."""

    target: str
    outputs: Mapping[str, Floats]
    ratings: Mapping[str, Floats]

    def column(self, track: str, axis: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Rating, NaN for none, and output of one target on all steps: two [steps]."""
        output = self.outputs[track]
        place = target_names(self.target).index(axis)
        rating = on_steps(self.ratings[track], len(output))
        return rating[:, place].astype(np.float64), output[:, place].astype(np.float64)


def mean_figure(net: Applied, select: str) -> float:
    """RMSE or CCC ("rmse" or "ccc") of every song and target, averaged over songs, then over targets.

    Songs of which it cannot be told are left out; NaN where that is all. DataError(bad_input) where no step
    is rated.
    """
    return float(np.mean([_mean_of_axis(net, axis, select) for axis in target_names(net.target)]))


def evaluate_mean(nets: Sequence[Applied]) -> dict[str, Any]:
    """What `evaluate_curves` says of the mean of nets that give valence and arousal, together or apart."""
    songs = [song for track in nets[0].outputs if len((song := _song(track, nets)).time_s)]
    if not songs:
        raise _unrated(nets[0])
    return evaluate_curves(songs)


def _mean_of_axis(net: Applied, axis: str, select: str) -> float:
    pairs = [net.column(track, axis) for track in net.outputs]
    rated = [(truth[known], output[known]) for truth, output in pairs if (known := np.isfinite(truth)).any()]
    if not rated:
        raise _unrated(net)
    figures = np.array([agreement(truth, output)[select] for truth, output in rated])
    told = figures[np.isfinite(figures)]
    return float(told.mean()) if len(told) else float("nan")


def _song(track: str, nets: Sequence[Applied]) -> SongCurves:
    columns = [_mean_column(track, axis, nets) for axis in AXES]
    truth = np.stack([rating for rating, _ in columns], axis=1)
    predicted = np.stack([output for _, output in columns], axis=1)
    known = np.isfinite(truth).all(axis=1)
    times_s = np.arange(len(truth), dtype=np.float64) * STEP_S
    return SongCurves(track, times_s[known], truth[known], predicted[known])


def _mean_column(
    track: str, axis: str, nets: Sequence[Applied]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    pairs = [net.column(track, axis) for net in nets if axis in target_names(net.target)]
    return pairs[0][0], np.stack([output for _, output in pairs]).mean(axis=0)


def _unrated(net: Applied) -> Exception:
    return bad_data(f"none of {len(net.outputs)} tracks of a fold is rated where it has features")
