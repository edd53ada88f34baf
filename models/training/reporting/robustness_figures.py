"""How far two answers on the same tracks lie apart: tags by correlation and decisions, curves by errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.decisions import safe_logit
from models.evaluation.curves import AXES
from models.training.metrics import pearson_columns

Curve = NDArray[np.float64]


def tag_figures(scores: Curve, others: Curve, tags: Sequence[str]) -> dict[str, Any]:
    """Calibrated scores [tracks, tags] of two answers -> how alike they order the tracks.

    Pearson r of the logits over the tracks for each tag, its mean, and the lowest with its tag; None where
    one answer is the same for all tracks.
    """
    r = [float(value) for value in pearson_columns(safe_logit(scores), safe_logit(others))]
    known = [(value, tag) for value, tag in zip(r, tags, strict=True) if np.isfinite(value)]
    lowest, lowest_tag = min(known, default=(None, None))
    return {
        "r": [value if np.isfinite(value) else None for value in r],
        "r_mean": float(np.mean([value for value, _ in known])) if known else None,
        "r_lowest": lowest,
        "lowest_tag": lowest_tag,
    }


def decisions_changed(tagged: NDArray[np.bool_], others: NDArray[np.bool_]) -> float:
    """1 - Jaccard of all (track, tag) pairs that are tagged, both [tracks, tags]; 0 where none is."""
    either = int((tagged | others).sum())
    return 1.0 - int((tagged & others).sum()) / either if either else 0.0


def curve_figures(curves: Sequence[tuple[Curve, Curve]]) -> dict[str, dict[str, float]]:
    """Pairs of curves [steps, 2] of a track, the original first -> errors of the second, by axis.

    Compared on the steps that both have, without any shift: `rmse` and `bias` (mean of second minus first)
    are over all steps of all tracks, `static_rmse` is of the means of the tracks over these steps.
    """
    differences = [other[:both] - one[:both] for one, other in curves if (both := common(one, other))]
    if not differences:
        return {}
    steps, means = np.concatenate(differences), np.stack([some.mean(axis=0) for some in differences])
    return {
        axis: {
            "rmse": float(np.sqrt(np.mean(steps[:, column] ** 2))),
            "bias": float(np.mean(steps[:, column])),
            "static_rmse": float(np.sqrt(np.mean(means[:, column] ** 2))),
        }
        for column, axis in enumerate(AXES)
    }


def common(one: Curve, other: Curve) -> int:
    """Steps that two curves [steps, 2] both have."""
    return min(len(one), len(other))
