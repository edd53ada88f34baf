"""How Pillow resizes: the weights of its bicubic filter and the places of its nearest one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SHARPNESS = -0.5  # Keys's a (1981)
_REACH = 2.0


def nearest_places(length: int, *, wanted: int) -> NDArray[np.intp]:
    """Pixel of a line of `length` that each of the `wanted` pixels shows: [wanted]."""
    return ((np.arange(wanted) + 0.5) * (length / wanted)).astype(np.intp)


def bicubic_weights(length: int, *, wanted: int) -> NDArray[np.float64]:
    """What each pixel of a line of `length` gives to each of the `wanted`: [wanted, length], rows sum to one.

    Keys's cubic, widened where the line gets shorter, so that no pixel is passed over.
    """
    step = length / wanted
    width = max(step, 1.0)
    centres = (np.arange(wanted)[:, None] + 0.5) * step
    first = np.maximum((centres - _REACH * width + 0.5).astype(np.intp), 0)
    end = np.minimum((centres + _REACH * width + 0.5).astype(np.intp), length)
    places = np.arange(length)[None, :]
    weights = np.where((places >= first) & (places < end), _cubic((places + 0.5 - centres) / width), 0.0)
    weights /= weights.sum(axis=1, keepdims=True)
    return weights


def _cubic(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    x = np.abs(distance)
    inner = ((_SHARPNESS + 2.0) * x - (_SHARPNESS + 3.0)) * x * x + 1.0
    outer = (((x - 5.0) * x + 8.0) * x - 4.0) * _SHARPNESS
    return np.where(x < 1.0, inner, np.where(x < _REACH, outer, 0.0))
