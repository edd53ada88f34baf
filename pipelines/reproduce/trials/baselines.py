"""The two baselines of the tables: the mean of the training tracks, and support vectors."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from models.training.data.form import DataSet
from models.training.systems.plan import SystemPlan
from models.training.systems.svr import fit_svr, half_second_statistics, predict_svr
from models.training.systems.targets import on_steps, targets_of
from pipelines.reproduce.trials.held import HeldFeatures

Floats = NDArray[np.float32]
# The machines' time grows with the square of this: of more half seconds every second or third is taken.
_MOST_ROWS = 12_000


def fit_mean(data: DataSet, plan: SystemPlan, features: HeldFeatures) -> dict[str, Floats]:
    """For every half second of the test tracks the mean over those of train and validation, by id."""
    rated = np.concatenate([targets for _, targets in _known(data, plan, features)])
    mean = rated.mean(axis=0)
    return {name: np.tile(mean, (len(steps), 1)) for name, steps in _test(data, features)}


def fit_svr_baseline(data: DataSet, plan: SystemPlan, features: HeldFeatures) -> dict[str, Floats]:
    """Havránek's baseline, fitted to the tracks of train and validation: curves of the test tracks, by id."""
    parts = list(_known(data, plan, features))
    inputs = np.concatenate([steps for steps, _ in parts])
    targets = np.concatenate([rated for _, rated in parts])
    every = -(-len(inputs) // _MOST_ROWS)
    baseline = fit_svr(inputs[::every], targets[::every])
    return {name: predict_svr(baseline, steps) for name, steps in _test(data, features)}


def _known(
    data: DataSet, plan: SystemPlan, features: HeldFeatures
) -> Iterator[tuple[NDArray[np.float64], Floats]]:
    """Statistics [steps, 136] and ratings [steps, 2] of each track that is not of test."""
    tracks = [track for track in data.tracks if track.split != "test"]
    targets = targets_of(tracks, data, plan.members[0])
    for name, steps in _statistics(features, set(targets)):
        rated = on_steps(targets[name], len(steps))
        known = np.isfinite(rated).all(axis=1)
        yield steps[known], rated[known]


def _test(data: DataSet, features: HeldFeatures) -> Iterator[tuple[str, NDArray[np.float64]]]:
    return _statistics(features, {track.track_id for track in data.tracks if track.split == "test"})


def _statistics(features: HeldFeatures, wanted: set[str]) -> Iterator[tuple[str, NDArray[np.float64]]]:
    for group in range(len(features.groups)):
        for name, rows in features.read(group, wanted).items():
            yield name, half_second_statistics(rows)
