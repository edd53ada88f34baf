"""One valence and arousal a song against ratings: R2, r, RMSE, CCC, and the quadrants of the plane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.curves import QUADRANTS, quadrant
from models.evaluation.curves import AXES, number
from models.evaluation.measures.agreement import agreement, r_squared
from models.evaluation.measures.decided import precision_recall_f


@dataclass(frozen=True, slots=True)
class StaticRatings:
    """Songs' `truth` and `predicted` [songs, 2], valence and arousal in [-1, 1], and quadrants Q1 to Q4."""

    songs: tuple[str, ...]
    truth: NDArray[np.float64]
    predicted: NDArray[np.float64]
    true_quadrants: tuple[str, ...]
    predicted_quadrants: tuple[str, ...]


def evaluate_static(ratings: StaticRatings) -> dict[str, Any]:
    """Measures ready for JSON, NaN as None: `valence` and `arousal` (r2, r, rmse, ccc) and `quadrants`."""
    return {
        **{
            axis: _axis(ratings.truth[:, column], ratings.predicted[:, column])
            for column, axis in enumerate(AXES)
        },
        "quadrants": measure_quadrants(ratings.true_quadrants, ratings.predicted_quadrants),
        "songs": len(ratings.songs),
    }


def quadrants_of(values: NDArray[np.float64]) -> tuple[str, ...]:
    """Quadrants of points [songs, 2] of the plane; an axis counts as positive from 0 on."""
    return tuple(quadrant(valence, arousal) for valence, arousal in values.tolist())


def measure_quadrants(truth: Sequence[str], predicted: Sequence[str]) -> dict[str, Any]:
    """Accuracy, macro F over the quadrants that either has, confusion as counts: a row for each true one."""
    counts = np.zeros((len(QUADRANTS), len(QUADRANTS)), np.int64)
    for true, found in zip(truth, predicted, strict=True):
        counts[QUADRANTS.index(true), QUADRANTS.index(found)] += 1
    given, there = counts.sum(axis=0).astype(np.float64), counts.sum(axis=1).astype(np.float64)
    f1 = precision_recall_f(np.diag(counts).astype(np.float64), given, there)[2]
    return {
        "accuracy": float(np.trace(counts) / counts.sum()),
        "f1_macro": float(f1[(given + there) > 0].mean()),
        "f1": dict(zip(QUADRANTS, f1.tolist(), strict=True)),
        "confusion": {name: row.tolist() for name, row in zip(QUADRANTS, counts, strict=True)},
    }


def _axis(truth: NDArray[np.float64], predicted: NDArray[np.float64]) -> dict[str, float | None]:
    found = {"r2": r_squared(truth, predicted), **agreement(truth, predicted)}
    return {name: number(value) for name, value in found.items()}
