"""Bootstrap intervals of the macro and micro measures, by drawing the tracks anew (Efron 1979).

A draw is how often each track counts, so nothing is sorted or copied anew: areas come from cumulative sums of
counts along one ranking, decisions from one matrix product. Thresholds are held as they are. Average
precision of a draw is a little high, for a track that is drawn twice stands twice in the ranking.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.evaluation.measures.decided import precision_recall_f
from models.evaluation.measures.ranking import Floats, areas, rank


@dataclass(frozen=True, slots=True)
class Draws:
    """How many draws, from which seed, and the share of them that an interval holds."""

    draws: int = 200
    seed: int = 7
    level: float = 0.95


def bootstrap_tags(
    labels: NDArray[np.bool_], scores: Floats, decided: NDArray[np.bool_], *, how: Draws
) -> dict[str, tuple[float, float]]:
    """Percentile intervals of roc_auc_macro, pr_auc_macro, f1_macro, ... : arrays [items, tags].

    A tag without a positive item in a draw is left out of that draw's mean of areas.
    """
    counts = _counts(len(labels), how)
    ranking = rank(labels, scores)
    pairs = np.array([[np.nanmean(each) for each in areas(ranking, row)] for row in counts])
    values = {"roc_auc_macro": pairs[:, 0], "pr_auc_macro": pairs[:, 1]}
    return _intervals({**values, **_decision_values(labels, decided, counts)}, how.level)


def _counts(items: int, how: Draws) -> NDArray[np.float64]:
    """How often each item counts: [draws, items]."""
    rng = np.random.default_rng(how.seed)
    drawn = rng.integers(items, size=(how.draws, items))
    return np.stack([np.bincount(row, minlength=items) for row in drawn]).astype(np.float64)


def _decision_values(
    labels: NDArray[np.bool_], decided: NDArray[np.bool_], counts: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    hits, given, there = (counts @ array.astype(np.float64) for array in (labels & decided, decided, labels))
    macro = precision_recall_f(hits, given, there)
    micro = precision_recall_f(hits.sum(axis=1), given.sum(axis=1), there.sum(axis=1))
    names = ("precision", "recall", "f1")
    return {
        **{f"{name}_macro": values.mean(axis=1) for name, values in zip(names, macro, strict=True)},
        **{f"{name}_micro": values for name, values in zip(names, micro, strict=True)},
    }


def _intervals(values: Mapping[str, NDArray[np.float64]], level: float) -> dict[str, tuple[float, float]]:
    edges = [50.0 * (1.0 - level), 50.0 * (1.0 + level)]
    found = {name: np.nanpercentile(drawn, edges) for name, drawn in values.items()}
    return {name: (float(low), float(high)) for name, (low, high) in found.items()}
