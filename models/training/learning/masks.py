"""Masks over time and frequency: what a net is not shown of a training window."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def hide(values: NDArray[Any], most: tuple[int, int], rng: np.random.Generator) -> None:
    """Set a random run of steps and one of bands of [steps, bands, ...] to zero, in place.

    Park et al. (2019), SpecAugment; zero is the mean of a normalised band and the darkest pixel.
    """
    for axis, limit in enumerate(most):
        size = values.shape[axis]
        width = int(rng.integers(min(limit, size // 4) + 1))
        first = int(rng.integers(size - width + 1))
        values[(slice(None),) * axis + (slice(first, first + width),)] = 0
