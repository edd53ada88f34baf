"""SVR baseline: statistics of each half second to valence and arousal, by support vectors.

Havránek (2021), section on the baseline: mean and deviation of each of the 68 short-term features per
annotated half second, a radial kernel, C = .1. Features are standardised on the training fold, and the
kernel's width is one over the number of features: scikit-learn's defaults, as the paper gives no others.
scikit-learn fits (the extra `train`); what it finds is kept as arrays and used without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.regressors.gru import ROWS_PER_STEP
from schemas.errors import DataError, FailureKind, Stage

Floats = NDArray[np.floating[Any]]

C = 0.1
EPSILON = 0.1
# Rows whose distances to all support vectors are held at once.
_BLOCK_ROWS = 1024


@dataclass(frozen=True, slots=True)
class Support:
    """One target: support vectors [m, features], their weights [m], the constant and the kernel's width."""

    vectors: NDArray[np.float64]
    weights: NDArray[np.float64]
    constant: float
    gamma: float


@dataclass(frozen=True, slots=True)
class SvrBaseline:
    """A fitted baseline: mean and deviation of the features [features], and one support for each target."""

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    supports: tuple[Support, ...]


def half_second_statistics(rows: Floats) -> NDArray[np.float64]:
    """Short-term features [n, 68] every 50 ms -> [n // 10, 136]: means, then deviations, of each ten rows."""
    steps = len(rows) // ROWS_PER_STEP
    groups = rows[: steps * ROWS_PER_STEP].astype(np.float64).reshape(steps, ROWS_PER_STEP, rows.shape[1])
    return np.concatenate([groups.mean(axis=1), groups.std(axis=1)], axis=1)


def fit_svr(features: Floats, targets: Floats, *, c: float = C, epsilon: float = EPSILON) -> SvrBaseline:
    """Fit features [n, 136] to targets [n, targets], one machine for each target.

    Its time grows with the square of n. Raises DataError(bad_input) for shapes that do not fit or a value
    that is not finite, and where scikit-learn is not installed.
    """
    if features.ndim != 2 or targets.ndim != 2 or len(features) != len(targets) or not len(features):
        raise _refusal(f"features {list(features.shape)} and targets {list(targets.shape)} do not fit")
    if not (np.isfinite(features).all() and np.isfinite(targets).all()):
        raise _refusal("features or targets have a value that is not finite")
    x = features.astype(np.float64)
    mean, deviation = x.mean(axis=0), x.std(axis=0)
    # A feature that never changes says nothing: it becomes zero, not infinite.
    deviation[deviation == 0.0] = 1.0
    x = (x - mean) / deviation
    supports = tuple(_fit_one(x, column, c=c, epsilon=epsilon) for column in targets.T.astype(np.float64))
    return SvrBaseline(mean, deviation, supports)


def _fit_one(x: NDArray[np.float64], y: NDArray[np.float64], *, c: float, epsilon: float) -> Support:
    try:
        from sklearn.svm import SVR
    except ModuleNotFoundError as error:
        raise _refusal("scikit-learn is not installed; it comes with the extra `train`") from error
    gamma = 1.0 / x.shape[1]
    machine = SVR(kernel="rbf", C=c, epsilon=epsilon, gamma=gamma).fit(x, y)
    return Support(
        np.asarray(machine.support_vectors_, np.float64),
        np.asarray(machine.dual_coef_[0], np.float64),
        float(machine.intercept_[0]),
        gamma,
    )


def predict_svr(baseline: SvrBaseline, features: Floats) -> NDArray[np.float32]:
    """Features [n, 136] -> targets [n, targets] float32; DataError(bad_input) for another width."""
    if features.ndim != 2 or features.shape[1] != len(baseline.mean):
        raise _refusal(f"features are {list(features.shape)}; the baseline takes [n, {len(baseline.mean)}]")
    x = (features.astype(np.float64) - baseline.mean) / baseline.deviation
    result = np.empty((len(x), len(baseline.supports)), np.float32)
    for column, support in enumerate(baseline.supports):
        for start in range(0, len(x), _BLOCK_ROWS):
            block = slice(start, start + _BLOCK_ROWS)
            result[block, column] = _kernel(x[block], support) @ support.weights + support.constant
    return result


def _kernel(x: NDArray[np.float64], support: Support) -> NDArray[np.float64]:
    """exp(-gamma d^2) of rows [n, features] and the support vectors: [n, m]."""
    squares = np.square(x).sum(axis=1)[:, None] + np.square(support.vectors).sum(axis=1)
    squares -= 2.0 * (x @ support.vectors.T)
    kernel: NDArray[np.float64] = np.exp(-support.gamma * np.maximum(squares, 0.0))
    return kernel


def arrays_of_svr(baseline: SvrBaseline) -> dict[str, NDArray[np.float64]]:
    """A baseline as arrays by name, for safetensors or npz."""
    arrays = {"mean": baseline.mean, "deviation": baseline.deviation}
    for place, support in enumerate(baseline.supports):
        arrays[f"vectors{place}"] = support.vectors
        arrays[f"weights{place}"] = support.weights
        arrays[f"constants{place}"] = np.array([support.constant, support.gamma])
    return arrays


def svr_of_arrays(arrays: Mapping[str, NDArray[Any]]) -> SvrBaseline:
    """The baseline that `arrays_of_svr` gave; DataError(bad_input) for arrays that are none."""
    try:
        supports = tuple(
            Support(
                arrays[f"vectors{place}"],
                arrays[f"weights{place}"],
                *(float(value) for value in arrays[f"constants{place}"]),
            )
            for place in range((len(arrays) - 2) // 3)
        )
        return SvrBaseline(arrays["mean"], arrays["deviation"], supports)
    except (KeyError, TypeError) as error:
        raise _refusal(f"not the arrays of an SVR baseline: {error}") from error


def _refusal(message: str) -> DataError:
    return DataError(FailureKind.BAD_INPUT, Stage.INPUT, message)
