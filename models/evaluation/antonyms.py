"""Shares of antonym pairs against the shares of raters: accuracy and the confusion matrix by row.

The antonym paper counts a song for the side that more than half of its raters chose, and gives its confusion
matrices by row: of the songs of one side, the shares predicted as either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.evaluation.curves import number
from models.evaluation.measures.agreement import agreement

THRESHOLD = 0.5
_EDGE = 1e-7


@dataclass(frozen=True, slots=True)
class PairShares:
    """Songs' shares of the first side of one pair, [songs] each, in [0, 1]: of raters and as predicted."""

    first: str
    second: str
    songs: tuple[str, ...]
    truth: NDArray[np.float64]
    predicted: NDArray[np.float64]


def evaluate_antonyms(pairs: list[PairShares]) -> dict[str, Any]:
    """Measures of every pair by its name "first-second", ready for JSON, NaN as None."""
    return {"pairs": {f"{pair.first}-{pair.second}": evaluate_pair(pair) for pair in pairs}}


def evaluate_pair(pair: PairShares) -> dict[str, Any]:
    """Accuracy, confusion by row and in counts, and how near the shares are to the raters'.

    A song is of the first side where its share is strictly above .5. Songs whose raters are split evenly
    are of neither side: they are counted as `undecided` and measured only in the shares' own measures.
    """
    sided = pair.truth != THRESHOLD
    true, found = pair.truth[sided] > THRESHOLD, pair.predicted[sided] > THRESHOLD
    counts = np.array([[np.sum((true == t) & (found == f)) for f in (True, False)] for t in (True, False)])
    rows = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    names = (pair.first, pair.second)
    return {
        "accuracy": float(np.mean(true == found)) if len(true) else None,
        "accuracy_balanced": float(np.diag(rows).mean()) if counts.sum(axis=1).all() else None,
        "confusion": {
            name: dict(zip(names, row.tolist(), strict=True)) for name, row in zip(names, rows, strict=True)
        },
        "counts": {
            name: dict(zip(names, row.tolist(), strict=True)) for name, row in zip(names, counts, strict=True)
        },
        "songs": len(pair.songs),
        "undecided": int((~sided).sum()),
        "shares": {name: number(value) for name, value in agreement(pair.truth, pair.predicted).items()},
        "cross_entropy": _cross_entropy(pair.truth, pair.predicted),
    }


def _cross_entropy(truth: NDArray[np.float64], predicted: NDArray[np.float64]) -> float:
    """Mean cross-entropy of the two shares, in nats: the loss that the net is trained by."""
    p = np.clip(predicted, _EDGE, 1.0 - _EDGE)
    return float(-np.mean(truth * np.log(p) + (1.0 - truth) * np.log(1.0 - p)))
