"""Emotion to colour: a point of the valence/arousal plane as the colour of a lamp.

Havránek (2021) drives a lamp by predicted emotion. Here the four corners of the plane have a colour
each, blended by bilinear weights in linear light, so that nearby emotions have nearby colours.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# sRGB of the corners (valence, arousal): amber (1, 1), red (-1, 1), blue (-1, -1), green (1, -1).
_CORNERS = np.array([[255, 190, 11], [217, 4, 41], [29, 78, 179], [46, 160, 103]], np.float64) / 255.0
# Real tracks rarely leave [-0.6, 0.6]: this spreads them over the colours.
_GAIN = 1.8
_GAMMA = 2.2


def colours(valence: NDArray[np.float32], arousal: NDArray[np.float32]) -> list[str]:
    """Colours #rrggbb of points in [-1, 1]: two arrays [n] -> n strings."""
    v, a = (
        np.clip(np.asarray(axis, np.float64) * _GAIN, -1.0, 1.0) / 2.0 + 0.5 for axis in (valence, arousal)
    )
    weights = np.stack([v * a, (1 - v) * a, (1 - v) * (1 - a), v * (1 - a)], axis=-1)
    light = weights @ _CORNERS**_GAMMA
    bytes_ = np.rint(light ** (1.0 / _GAMMA) * 255.0).astype(int)
    return [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in bytes_]
