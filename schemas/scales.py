"""Scales of valence and arousal: ours is [-1, 1], others are converted where they enter or leave."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Values = TypeVar("Values", float, NDArray[np.float32], NDArray[np.float64])


def from_nine_points(rating: Values) -> Values:
    """Ratings from 1 to 9 (self-assessment manikins, as in emoMusic and DEAM) -> [-1, 1]."""
    return (rating - 5.0) / 4.0


def to_nine_points(value: Values) -> Values:
    """Values in [-1, 1] -> ratings from 1 to 9."""
    return value * 4.0 + 5.0


def from_half_range(value: Values) -> Values:
    """Values in [-.5, .5] -> [-1, 1]."""
    return value * 2.0


def to_half_range(value: Values) -> Values:
    """Values in [-1, 1] -> [-.5, .5]."""
    return value / 2.0
