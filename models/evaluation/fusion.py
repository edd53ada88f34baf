"""Fusion of members' scores: the published means by name, and weights or stacking learned on validation.

Published: Amiriparian et al. (2019), Emotion and Themes Recognition in Music Utilising Convolutional and
Recurrent Neural Networks, Table 1: the plain mean of the members' scores. Learned, and not the paper's:
one weight a member, and stacking.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from models.decisions import safe_logit
from models.evaluation.learned_fusion import (
    choose_ridge,
    fit_common_slopes,
    fit_pool,
    fit_stacking,
    stacked_logits,
)
from models.evaluation.reading.refusal import refuse
from models.evaluation.reading.scores import MemberScores

_CELLS = ("lstm", "gru", "blstm")


def _group(*nets: str) -> tuple[str, ...]:
    return tuple(f"{net}-{cell}" for net in nets for cell in _CELLS)


# Table 1 of the paper: three groups of three cells, the six of Deep Spectrum, and all nine.
FUSIONS: dict[str, tuple[str, ...]] = {
    "crnn": _group("crnn"),
    "deep-spectrum-1s": _group("deep-spectrum-1s"),
    "deep-spectrum-5s": _group("deep-spectrum-5s"),
    "deep-spectrum": _group("deep-spectrum-1s", "deep-spectrum-5s"),
    "all-nine": _group("crnn", "deep-spectrum-1s", "deep-spectrum-5s"),
}
MEAN, WEIGHTS, STACKING = "mean", "weights", "stacking"
LEARNED = (WEIGHTS, STACKING)


@dataclass(frozen=True, slots=True)
class Fusion:
    """A fusion ready to use: its name, what to do with scores [members, tracks, tags], what it is made of."""

    name: str
    apply: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    facts: dict[str, Any] = field(default_factory=dict)


def mean_fusion() -> Fusion:
    """The plain mean over the members: [members, tracks, tags] -> [tracks, tags]."""
    return Fusion(MEAN, lambda scores: np.asarray(scores.mean(axis=0), np.float64))


def learn_fusion(name: str, given: MemberScores) -> Fusion:
    """Fit `weights` or `stacking` to the members' scores and labels, which must be validation's.

    Raises DataError(bad_input) for scores outside [0, 1].
    """
    _refuse_outside(given)
    learned_on = {"scores": given.file, "labels": given.labels_file, "tracks": len(given.labels)}
    if name == WEIGHTS:
        weights = fit_pool(given.scores, given.labels)
        shares = dict(zip(given.members, weights.tolist(), strict=True))
        return Fusion(
            name, lambda scores: _pooled(scores, weights), {"learned_on": learned_on, "weights": shares}
        )
    logits = safe_logit(given.scores)
    around = fit_common_slopes(logits, given.labels)
    ridge = choose_ridge(logits, given.labels, around=around)
    fitted = fit_stacking(logits, given.labels, around=around, ridge=ridge)
    slopes = dict(zip(given.members, fitted[:-1].mean(axis=1).tolist(), strict=True))
    facts = {"learned_on": learned_on, "ridge": ridge, "mean_slopes": slopes}
    return Fusion(name, lambda scores: np.asarray(expit(stacked_logits(fitted, safe_logit(scores)))), facts)


def _pooled(scores: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.tensordot(weights, scores, axes=1), np.float64)


def _refuse_outside(given: MemberScores) -> None:
    for name, scores in zip(given.members, given.scores, strict=True):
        if scores.min() < 0.0 or scores.max() > 1.0:
            worst = scores.min() if scores.min() < 0.0 else scores.max()
            raise refuse(
                given.file, f"member {name!r} has a score of {worst:g}; a learned fusion needs [0, 1]"
            )


def published_members(name: str, known: Sequence[str], *, file: str) -> tuple[str, ...]:
    """Members of the published fusion `name`; DataError(bad_input) where the file lacks one of them."""
    if absent := [member for member in FUSIONS[name] if member not in known]:
        raise refuse(file, f"fusion {name!r} needs {', '.join(absent)}; there are {', '.join(known)}")
    return FUSIONS[name]
