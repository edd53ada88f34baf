"""Measures of scores and curves against truth, in plain numpy: no more than the training itself reports."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.evaluation.measures import ranking

Floats = NDArray[np.floating]


def roc_auc(labels: NDArray[np.bool_], scores: Floats) -> float:
    """Share of (positive, negative) pairs in the right order, ties half; NaN where a class is empty.

    `labels` and `scores` are [items].
    """
    return float(ranking.roc_auc(labels[:, None], scores[:, None])[0])


def average_precision(labels: NDArray[np.bool_], scores: Floats) -> float:
    """Area under the precision-recall curve as a sum of steps; NaN where no label is positive."""
    return float(ranking.average_precision(labels[:, None], scores[:, None])[0])


def precision_recall(
    labels: NDArray[np.bool_], scores: Floats
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Precision, recall and score of every set "all items that score at least so much", top down."""
    order = np.argsort(-scores, kind="stable")
    hits, ranked = np.cumsum(labels[order]), scores[order].astype(np.float64)
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    return hits[last] / (last + 1.0), hits[last] / max(int(labels.sum()), 1), ranked[last]


def macro(labels: NDArray[np.bool_], scores: Floats) -> dict[str, float]:
    """Macro ROC-AUC and PR-AUC: both arrays are [items, tags]; tags without a positive item are left out."""
    roc, precision = ranking.areas(ranking.rank(labels, scores))
    return {"roc_auc": float(np.nanmean(roc)), "pr_auc": float(np.nanmean(precision))}


def pearson(a: Floats, b: Floats) -> float:
    """Correlation of two [items] arrays; NaN where one of them is constant."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def pearson_columns(a: Floats, b: Floats) -> NDArray[np.float64]:
    """Correlation of each column of two [items, columns] arrays: [columns]."""
    return np.array([pearson(a[:, column], b[:, column]) for column in range(a.shape[1])])


def regression(truth: Floats, predicted: Floats) -> dict[str, float]:
    """Pearson r, R2 against the mean of `truth` and root mean square error of two [items] arrays."""
    squares = float(np.mean((truth - predicted) ** 2))
    return {
        "n": float(len(truth)),
        "r": pearson(truth, predicted),
        "r2": 1.0 - squares / float(np.var(truth)),
        "rmse": float(np.sqrt(squares)),
    }


def bootstrap_r(truth: Floats, predicted: Floats, *, seed: int, draws: int = 2000) -> tuple[float, float]:
    """95 % interval of Pearson r by drawing the items [items] anew."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(len(truth), size=(draws, len(truth)))
    values = [pearson(truth[row], predicted[row]) for row in rows]
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)
