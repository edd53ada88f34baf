"""Calibration: do scores of .3 come true three times in ten? Reliability bins and their expected error.

Naeini et al. (2015), Obtaining Well Calibrated Probabilities Using Bayesian Binning: expected calibration
error = sum over bins of (share of items) * |mean score - share positive|, here with bins of equal width.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.evaluation.measures.ranking import Floats

BINS = 10


@dataclass(frozen=True, slots=True)
class Reliability:
    """Bins of equal width over [0, 1], each [bins]: items, mean score, share positive (NaN where empty)."""

    count: NDArray[np.int64]
    mean_score: NDArray[np.float64]
    positive: NDArray[np.float64]

    @property
    def error(self) -> float:
        """Expected calibration error, in [0, 1]."""
        gap = np.nan_to_num(np.abs(self.mean_score - self.positive))
        return float((gap * self.count).sum() / self.count.sum())

    def rows(self) -> list[dict[str, float | int | None]]:
        """One record a bin, for JSON."""
        edges = np.linspace(0.0, 1.0, len(self.count) + 1)
        return [
            {
                "low": round(float(edges[place]), 10),
                "high": round(float(edges[place + 1]), 10),
                "count": int(count),
                "mean_score": float(self.mean_score[place]) if count else None,
                "share_positive": float(self.positive[place]) if count else None,
            }
            for place, count in enumerate(self.count)
        ]


def reliability(labels: NDArray[np.bool_], scores: Floats, *, bins: int = BINS) -> Reliability:
    """Bins of scores in [0, 1] and labels, any one shape, all decisions taken together; 1 is in the last."""
    place = np.minimum((scores.ravel() * bins).astype(np.int64), bins - 1)
    count = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean_score = np.bincount(place, weights=scores.ravel(), minlength=bins) / count
        positive = np.bincount(place, weights=labels.ravel(), minlength=bins) / count
    return Reliability(count, mean_score, positive)


def calibration_errors(labels: NDArray[np.bool_], scores: Floats, *, bins: int = BINS) -> NDArray[np.float64]:
    """Expected calibration error of every tag: [items, tags] -> [tags]."""
    columns = range(labels.shape[1])
    return np.array([reliability(labels[:, tag], scores[:, tag], bins=bins).error for tag in columns])
