"""Fits of learned fusions: one weight a member, and logistic stacking tag by tag; pure functions of arrays.

Neither is published with the nine models: the linear opinion pool (Stone 1961) by log loss, and stacked
generalisation (Wolpert 1992) with a ridge that its own cross-validation chooses.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from models.decisions import EDGE

RIDGES = (3.0, 10.0, 30.0, 100.0, 300.0)
_SEED = 11
_STEPS = 30


def fit_pool(scores: NDArray[np.float64], labels: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Weights [members] >= 0 that sum to one, for scores [members, items, tags] in [0, 1].

    Least log loss of the weighted mean of the scores; a tag counts by one over its positive items, so
    that all tags count alike, as in a macro measure. Convex.
    """
    clipped = np.clip(scores, EDGE, 1.0 - EDGE)
    right = np.where(labels, clipped, 1.0 - clipped).reshape(len(scores), -1)
    share = np.broadcast_to(1.0 / np.maximum(labels.sum(axis=0), 1), labels.shape).ravel()
    share = share / share.sum()

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        fused, total = weights @ right, weights.sum()
        return float(np.log(total) - share @ np.log(fused)), 1.0 / total - right @ (share / fused)

    start = np.full(len(scores), 1.0 / len(scores))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(1e-9, None)] * len(scores))
    return np.asarray(found.x / found.x.sum(), np.float64)


def fit_common_slopes(logits: NDArray[np.float64], labels: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Slopes [members] >= 0 that all tags have in common, from logits [members, items, tags].

    Least log loss of sigmoid(sum over members of slope * logit + bias of the tag); convex.
    """
    members, _, tags = logits.shape

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        z = np.tensordot(parameters[:members], logits, axes=1) + parameters[members:]
        error = expit(z) - labels
        slope = np.tensordot(logits, error, axes=2)
        return float(np.sum(np.logaddexp(0.0, z) - labels * z)), np.concatenate([slope, error.sum(axis=0)])

    start = np.concatenate([np.full(members, 1.0 / members), np.zeros(tags)])
    bounds = [(0.0, None)] * members + [(None, None)] * tags
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return np.asarray(found.x[:members], np.float64)


def fit_stacking(
    logits: NDArray[np.float64], labels: NDArray[np.bool_], *, around: NDArray[np.float64], ridge: float
) -> NDArray[np.float64]:
    """Slopes and last the bias, [members + 1, tags]: one logistic regression a tag, by Newton's method.

    `ridge` times half the squared distance of a tag's slopes from `around` [members]: a tag with few positive
    items keeps to what all tags have in common.
    """
    columns = range(logits.shape[2])
    fits = [_newton(logits[:, :, tag].T, labels[:, tag], around, ridge) for tag in columns]
    return np.stack(fits, axis=1)


def choose_ridge(
    logits: NDArray[np.float64], labels: NDArray[np.bool_], *, around: NDArray[np.float64]
) -> float:
    """Of RIDGES the one with the least log loss on halves of the items by fits on the other half."""
    first = np.random.default_rng(_SEED).permutation(len(labels)) % 2 == 0

    def loss(ridge: float) -> float:
        return sum(
            log_loss(
                fit_stacking(logits[:, fit], labels[fit], around=around, ridge=ridge),
                logits[:, ~fit],
                labels[~fit],
            )
            for fit in (first, ~first)
        )

    return min(RIDGES, key=loss)


def log_loss(fitted: NDArray[np.float64], logits: NDArray[np.float64], labels: NDArray[np.bool_]) -> float:
    """Sum of cross-entropies of a stacking [members + 1, tags] on logits [members, items, tags]."""
    z = stacked_logits(fitted, logits)
    return float(np.sum(np.logaddexp(0.0, z) - labels * z))


def stacked_logits(fitted: NDArray[np.float64], logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """A stacking [members + 1, tags] on logits [members, items, tags] -> [items, tags]."""
    return np.asarray(np.einsum("mit,mt->it", logits, fitted[:-1]) + fitted[-1], np.float64)


def _newton(
    inputs: NDArray[np.float64], labels: NDArray[np.bool_], around: NDArray[np.float64], ridge: float
) -> NDArray[np.float64]:
    """One tag: inputs [items, members] -> slopes and bias [members + 1]."""
    design = np.column_stack([inputs, np.ones(len(inputs))])
    # A hair of ridge on the bias too: a tag without a positive item would send it off for ever.
    strength, centre = np.append(np.full(len(around), ridge), 1e-3), np.append(around, 0.0)

    def loss(at: NDArray[np.float64]) -> float:
        z = design @ at
        return float(np.sum(np.logaddexp(0.0, z) - labels * z) + strength @ (at - centre) ** 2 / 2.0)

    at, value = centre, loss(centre)
    for _ in range(_STEPS):
        p = expit(design @ at)
        slope = design.T @ (p - labels) + strength * (at - centre)
        step = np.linalg.solve((design.T * (p * (1.0 - p))) @ design + np.diag(strength), slope)
        sizes = (0.5**halvings for halvings in range(20))
        tried = ((loss(at - size * step), size) for size in sizes)
        after, size = next((pair for pair in tried if pair[0] < value), (value, 0.0))
        at, gain, value = at - size * step, value - after, after
        if gain <= 1e-9 * max(value, 1.0):
            break
    return at
