"""Scores to probabilities, and probabilities to decisions.

Platt (1999): probability = sigmoid(scale * logit(score) + bias), scale > 0, so that no order changes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

from models.decisions import platt, safe_logit
from models.training.metrics import precision_recall


@dataclass(frozen=True, slots=True)
class Platt:
    """Scale (above 0) and bias of each tag: [tags] float64 each."""

    scale: NDArray[np.float64]
    bias: NDArray[np.float64]

    def __call__(self, scores: NDArray[np.floating]) -> NDArray[np.float64]:
        """Scores [..., tags] in (0, 1) -> probabilities [..., tags]."""
        return platt(scores, self.scale, self.bias)


def fit_platt(scores: NDArray[np.floating], targets: NDArray[np.floating], *, strength: float = 1.0) -> Platt:
    """Fit each tag of scores [items, tags] to targets [items, tags], labels or probabilities in [0, 1].

    Minimises the sum of cross-entropies plus `strength` * log(scale)^2: with little to go by, scale stays
    near 1.
    """
    columns = range(scores.shape[1])
    fits = [_fit_one(safe_logit(scores[:, tag]), targets[:, tag], strength) for tag in columns]
    return Platt(np.array([scale for scale, _ in fits]), np.array([bias for _, bias in fits]))


def _fit_one(
    inputs: NDArray[np.float64], targets: NDArray[np.floating], strength: float
) -> tuple[float, float]:
    goal = targets.astype(np.float64)

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scale, bias = np.exp(parameters[0]), parameters[1]
        z = scale * inputs + bias
        value = np.sum(np.logaddexp(0.0, z) - goal * z) + strength * parameters[0] ** 2
        error = expit(z) - goal
        slope = np.sum(error * inputs) * scale + 2.0 * strength * parameters[0]
        return float(value), np.array([slope, np.sum(error)])

    # From the bias that fits the mean, so that no search starts on a plateau.
    mean = float(np.clip(goal.mean(), 1e-4, 1.0 - 1e-4))
    start = np.array([0.0, float(logit(mean)) - float(inputs.mean())])
    bounds = [(np.log(0.02), np.log(50.0)), (None, None)]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return float(np.exp(found.x[0])), float(found.x[1])


def f_optimal(labels: NDArray[np.bool_], scores: NDArray[np.floating]) -> NDArray[np.float64]:
    """Per tag of [items, tags] the threshold with the best F where "tagged" is strictly above it: [tags]."""
    return np.array([_f_optimal_one(labels[:, tag], scores[:, tag]) for tag in range(labels.shape[1])])


def _f_optimal_one(labels: NDArray[np.bool_], scores: NDArray[np.floating]) -> float:
    precision, recall, ranked = precision_recall(labels, scores)
    total = precision + recall
    f = np.divide(2.0 * precision * recall, total, out=np.zeros_like(total), where=total > 0)
    best = int(np.argmax(f))
    # Halfway to the next score below: the items at the best score itself stay tagged.
    below = ranked[best + 1] if best + 1 < len(ranked) else 0.0
    return float((ranked[best] + below) / 2.0)


def rate_limit(scores: NDArray[np.floating], rates: NDArray[np.floating]) -> NDArray[np.float64]:
    """Per tag of [items, tags] the lowest threshold that at most a share `rates` [tags] is strictly above."""
    ordered = np.vstack([np.full(scores.shape[1], -np.inf), np.sort(scores, axis=0)])
    # A hair more, so that a share that was itself counted on these items comes out as that count.
    above = np.floor(rates * len(scores) + 1e-6).astype(int)
    return np.asarray(ordered[len(scores) - above, np.arange(scores.shape[1])], np.float64)


@dataclass(frozen=True, slots=True)
class TagCount:
    """The most tags that the median track should have, and the highest share of tracks with one tag: of all,
    and of each set by itself, for a catalogue may be more like one than like all."""

    most: float = 6.0
    rate: float = 0.20
    set_rate: float = 0.23


def choose_thresholds(
    scores: NDArray[np.floating],
    rates: NDArray[np.floating],
    wanted: TagCount,
    *,
    on: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.float64], float]:
    """Thresholds [tags] and the highest rate that they keep to, from scores [items, tags].

    Each tag keeps to its own of `rates` [tags], to `wanted.rate` where that is lower; while the median item
    has more than `wanted.most` of the tags that are `on` [tags], all where it is None, the highest rate is
    lowered by a twentieth. Too few are not mended.
    """
    counted = np.ones(scores.shape[1], bool) if on is None else on
    highest = wanted.rate
    while True:
        thresholds = rate_limit(scores, np.minimum(rates, highest))
        if np.median((scores > thresholds)[:, counted].sum(axis=1)) <= wanted.most:
            return thresholds, highest
        highest *= 0.95
