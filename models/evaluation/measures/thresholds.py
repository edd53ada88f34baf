"""Thresholds per tag by the best F, as the MediaEval 2019 evaluation tunes them, and kept for other data.

A tag is given where its score is strictly above its threshold. The official rule takes the score at the best
F itself as the threshold, so the items of that very score go untagged; for other data than it was tuned on
the threshold is put halfway to the next score below.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.evaluation.measures.decided import measure_decisions
from models.evaluation.measures.ranking import Floats, Ranking, precision_recall_steps, rank


def official_thresholds(labels: NDArray[np.bool_], scores: Floats) -> NDArray[np.float64]:
    """Per tag the score whose step has the best F, the lowest of equals: [items, tags] -> [tags].

    MediaEval 2019 (Emotion and Theme Recognition in Music): argmax of nan_to_num(2 p r / (p + r)) over the
    points of the precision-recall curve by rising score.
    """
    ranking = rank(labels, scores)
    return ranking.score[_best(ranking), np.arange(labels.shape[1])]


def between_thresholds(labels: NDArray[np.bool_], scores: Floats) -> NDArray[np.float64]:
    """Per tag halfway between the score with the best F and the next below: [items, tags] -> [tags].

    Below the lowest score of all stands that score less its distance to 0, or itself where it is 0 or less.
    """
    ranking = rank(labels, scores)
    best, columns = _best(ranking), np.arange(labels.shape[1])
    at = ranking.score[best, columns]
    last = best == len(labels) - 1
    below = np.where(last, np.minimum(at, 0.0), ranking.score[np.minimum(best + 1, len(labels) - 1), columns])
    return np.asarray((at + below) / 2.0, np.float64)


def decide(scores: Floats, thresholds: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Decisions [items, tags]: strictly above the threshold [tags]."""
    return np.asarray(scores > thresholds)


def cross_fitted_f1(labels: NDArray[np.bool_], scores: Floats, *, seed: int, repeats: int = 10) -> float:
    """Macro F of decisions on halves of the items by the official rule tuned on the other half.

    Mean over `repeats` ways to halve them: arrays [items, tags].
    """
    runs = (cross_fitted_decisions(labels, scores, seed=seed + run) for run in range(repeats))
    return float(np.mean([measure_decisions(labels, decided).f1.mean() for decided in runs]))


def cross_fitted_decisions(
    labels: NDArray[np.bool_], scores: Floats, *, seed: int, folds: int = 2
) -> NDArray[np.bool_]:
    """Decisions [items, tags] on every fold of the items by the official rule tuned on the other folds."""
    fold = np.random.default_rng(seed).permutation(len(labels)) % folds
    decided = np.zeros(labels.shape, bool)
    for number in range(folds):
        inside = fold == number
        decided[inside] = decide(scores[inside], official_thresholds(labels[~inside], scores[~inside]))
    return decided


def _best(ranking: Ranking) -> NDArray[np.int64]:
    """Place [tags] of the end of the step with the best F; of equals the one with the lowest score."""
    precision, recall = precision_recall_steps(ranking)
    total = precision + recall
    f = np.divide(2.0 * precision * recall, total, out=np.zeros_like(total), where=total > 0)
    f[~ranking.ends] = -1.0
    return np.asarray(len(f) - 1 - np.argmax(f[::-1], axis=0), np.int64)
