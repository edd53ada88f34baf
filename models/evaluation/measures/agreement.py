"""Agreement of two runs of numbers: root mean square error, Pearson's r, Lin's concordance, R2."""

from __future__ import annotations

import numpy as np

from models.evaluation.measures.ranking import Floats
from models.training.metrics import pearson


def rmse(truth: Floats, predicted: Floats) -> float:
    """Root mean square error of two [items] arrays, in their unit."""
    return float(np.sqrt(np.mean((truth - predicted) ** 2)))


def concordance(truth: Floats, predicted: Floats) -> float:
    """Concordance correlation coefficient (Lin 1989) of two [items] arrays, by variances over n.

    2 cov / (var + var + squared distance of the means): 0 where one of them is constant, NaN where both are
    the same constant.
    """
    covariance = np.mean((truth - truth.mean()) * (predicted - predicted.mean()))
    divisor = truth.var() + predicted.var() + (truth.mean() - predicted.mean()) ** 2
    return float(2.0 * covariance / divisor) if divisor > 0 else float("nan")


def r_squared(truth: Floats, predicted: Floats) -> float:
    """1 less the mean square error over the variance of `truth`; NaN where that is constant."""
    spread = float(np.var(truth))
    return 1.0 - float(np.mean((truth - predicted) ** 2)) / spread if np.ptp(truth) > 0 else float("nan")


def agreement(truth: Floats, predicted: Floats) -> dict[str, float]:
    """`rmse`, `r` and `ccc` of two [items] arrays; r is NaN where one of them is constant."""
    return {
        "rmse": rmse(truth, predicted),
        "r": pearson(truth, predicted),
        "ccc": concordance(truth, predicted),
    }
