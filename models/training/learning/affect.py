"""The head of valence and arousal: kernel ridge on the mean row of a clip, as weights of an `affect-head`.

Radial basis functions around every clip that is learnt from, their weights by regularised least squares in
closed form (Saunders et al., 1998). Each voice knows the clips of its own draw alone. Width and strength are
those of the least error in leaving one clip out, which needs no further fit: its residual is
alpha_i / (K + strength)^-1_ii.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.regressors.affect_head import OFFSET

Floats = NDArray[np.floating]
Array = NDArray[np.float32]
_LEAST_DEVIATION = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """A fitted head: `arrays` by variable of an `affect-head`, and what it was fitted with."""

    arrays: dict[str, Array]
    width: float
    strength: float
    error: float


def seen_of(means: Floats) -> NDArray[np.float64]:
    """Mean rows of an encoder [..., values] -> their logarithms."""
    return np.asarray(np.log(np.maximum(means.astype(np.float64), 0.0) + OFFSET), np.float64)


def fit_head(
    labelled: tuple[Floats, Floats],
    draws: NDArray[np.bool_],
    *,
    widths: Sequence[float],
    strengths: Sequence[float],
) -> Head:
    """Head from mean rows [clips, values] and their valence and arousal [clips, 2].

    `draws` [voices, clips] says which clips a voice knows. A width is in units of the median squared distance
    between clips.
    """
    means, affect = labelled
    seen = seen_of(means)
    deviation = np.maximum(seen.std(axis=0), _LEAST_DEVIATION)
    squares = _squares((seen - seen.mean(axis=0)) / deviation)
    median = float(np.median(squares))
    found: list[tuple[float, float, float, NDArray[np.float64]]] = []
    for width in widths:
        kernel = np.exp(-width / median * squares)
        for strength in strengths:
            voices = [_fit_voice(kernel, affect, drawn, strength) for drawn in draws]
            error = float(np.mean([error for _, _, error in voices]))
            weights = np.concatenate([np.vstack([alpha, offset]) for alpha, offset, _ in voices], axis=1)
            found.append((error, width, strength, weights))
    error, width, strength, weights = min(found, key=lambda one: one[0])
    scale = np.sqrt(width / median) / deviation
    # Distances do not change with a common shift: the mean need not be taken off.
    arrays = {
        "near/scale": scale.astype(np.float32),
        "near/centres": (seen * scale).T.astype(np.float32),
        "curve/kernel": weights[:-1].astype(np.float32),
        "curve/bias": weights[-1].astype(np.float32),
    }
    return Head(arrays, width, strength, error)


def _fit_voice(
    kernel: NDArray[np.float64], affect: Floats, drawn: NDArray[np.bool_], strength: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Weights [clips, 2], zero for clips that are not drawn, offset [2], and the mean squared error in
    leaving one out, in units of the variance."""
    known = affect[drawn].astype(np.float64)
    offset = known.mean(axis=0)
    inverse = np.linalg.inv(kernel[np.ix_(drawn, drawn)] + strength * np.eye(len(known)))
    alpha = inverse @ (known - offset)
    error = float(np.mean((alpha / np.diag(inverse)[:, None]) ** 2 / known.var(axis=0)))
    weights = np.zeros((len(affect), alpha.shape[1]))
    weights[drawn] = alpha
    return weights, offset, error


def _squares(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = (rows**2).sum(axis=1)
    return np.asarray(np.maximum(lengths[:, None] + lengths - 2.0 * rows @ rows.T, 0.0), np.float64)


def curves_of(arrays: dict[str, Array], rows: Floats, *, contexts: Sequence[int]) -> NDArray[np.float64]:
    """What a head says of a track, in numpy: rows [steps, values] -> curves [voices, steps, 2]."""
    said = np.mean([_said(arrays, _means_around(rows, context)) for context in contexts], axis=0)
    said = np.clip(said, -1.0, 1.0)
    return np.asarray(said.reshape(len(rows), -1, 2).transpose(1, 0, 2), np.float64)


def _said(arrays: dict[str, Array], means: NDArray[np.float64]) -> NDArray[np.float64]:
    scaled, centres = seen_of(means) * arrays["near/scale"], arrays["near/centres"].astype(np.float64)
    squares = (scaled**2).sum(axis=1)[:, None] + (centres**2).sum(axis=0) - 2.0 * scaled @ centres
    near = np.exp(-np.maximum(squares, 0.0))
    return np.asarray(near @ arrays["curve/kernel"] + arrays["curve/bias"], np.float64)


def _means_around(rows: Floats, context: int) -> NDArray[np.float64]:
    """Mean of the rows within +- context of each: [steps, values]."""
    sums = np.cumsum(np.pad(rows.astype(np.float64), ((1, 0), (0, 0))), axis=0)
    places = np.arange(len(rows))
    first, last = np.maximum(places - context, 0), np.minimum(places + context + 1, len(rows))
    means: NDArray[np.float64] = (sums[last] - sums[first]) / (last - first)[:, None]
    return means
