"""How well scores rank: ROC-AUC and average precision of all tags at once, ties as one step.

A tag's items are sorted by falling score; items of one score are one step of its curve, so that neither area
depends on their order. Each step holds the items so far, positive (`hits`) and all (`taken`):

    score   .9   .7   .7   .2
    step     |         |    |        the second of the two .7 is where their step ends
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Ranking:
    """Items of every tag by falling score, all arrays [items, tags].

    `order`: which item stands there; `score` and `positive`: its score and label; `ends`: whether a step of
    equal scores ends with it.
    """

    order: NDArray[np.int64]
    score: NDArray[np.float64]
    positive: NDArray[np.bool_]
    ends: NDArray[np.bool_]


def rank(labels: NDArray[np.bool_], scores: Floats) -> Ranking:
    """Sort the items of every tag: labels and scores [items, tags]."""
    order = np.argsort(-scores, axis=0, kind="stable")
    ranked = np.take_along_axis(scores, order, axis=0).astype(np.float64)
    ends = np.ones(ranked.shape, bool)
    ends[:-1] = ranked[1:] != ranked[:-1]
    return Ranking(order, ranked, np.take_along_axis(labels, order, axis=0), ends)


def areas(ranking: Ranking, counts: Floats | None = None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """ROC-AUC and average precision of every tag: [tags] each, NaN where a class is empty.

    `counts` [items]: how often each item counts, as a bootstrap draws them; once by default.
    """
    taken = _cumulative(np.ones_like(ranking.score) if counts is None else counts[ranking.order])
    hits = _cumulative(ranking.positive if counts is None else counts[ranking.order] * ranking.positive)
    hits_before, taken_before = _at_last_end(hits, ranking.ends), _at_last_end(taken, ranking.ends)
    positives, negatives = hits[-1], taken[-1] - hits[-1]
    new = np.where(ranking.ends, hits - hits_before, 0.0)
    false = np.where(ranking.ends, taken - taken_before, 0.0) - new
    with np.errstate(divide="ignore", invalid="ignore"):
        roc = (false * (hits + hits_before)).sum(axis=0) / 2.0 / (positives * negatives)
        # Where nothing is taken yet nothing is new either.
        precision = (new * hits / np.maximum(taken, 1.0)).sum(axis=0) / positives
    empty = (positives == 0) | (negatives == 0)
    return np.where(empty, np.nan, roc), np.where(positives == 0, np.nan, precision)


def roc_auc(labels: NDArray[np.bool_], scores: Floats) -> NDArray[np.float64]:
    """Share of (positive, negative) pairs in the right order, ties half: [items, tags] -> [tags]."""
    return areas(rank(labels, scores))[0]


def average_precision(labels: NDArray[np.bool_], scores: Floats) -> NDArray[np.float64]:
    """Area under the precision-recall curve as a sum of steps: [items, tags] -> [tags]."""
    return areas(rank(labels, scores))[1]


def precision_recall_steps(ranking: Ranking) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Precision and recall of the items down to each place [items, tags]; only where `ends` is it a step."""
    hits = _cumulative(ranking.positive)
    taken = np.arange(1.0, len(hits) + 1.0)[:, None]
    return hits / taken, hits / np.maximum(hits[-1], 1.0)


def _cumulative(values: NDArray[np.generic]) -> NDArray[np.float64]:
    return np.cumsum(values, axis=0, dtype=np.float64)


def _at_last_end(values: NDArray[np.float64], ends: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Of rising values [items, tags], the one where the step before ended; 0 at the first step."""
    held = np.maximum.accumulate(np.where(ends, values, 0.0), axis=0)
    return np.concatenate([np.zeros((1, values.shape[1])), held[:-1]])
