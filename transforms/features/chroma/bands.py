"""Sums of neighbouring bins, as mel bands and pitches are: products with the blocks that are not zero."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Narrow enough that few columns are met in a block, wide enough for a fast product.
_BINS = 64


@dataclass(frozen=True, slots=True)
class Bands:
    """Weights [bins, count] in blocks of bins, each with the stretch of columns that it has weights in."""

    count: int
    blocks: tuple[tuple[slice, slice, NDArray[np.float32]], ...]

    def sum(self, power: NDArray[np.float32]) -> NDArray[np.float32]:
        """Power [frames, bins] -> its sums [frames, count] float32."""
        sums = np.zeros((len(power), self.count), np.float32)
        for bins, columns, weights in self.blocks:
            sums[:, columns] += power[:, bins] @ weights
        return sums


def bands(weights: NDArray[np.float32]) -> Bands:
    """Cut weights [bins, count] into the blocks that are not zero."""
    blocks = []
    for first in range(0, len(weights), _BINS):
        block = weights[first : first + _BINS]
        used = np.flatnonzero(block.any(axis=0))
        if used.size:
            columns = slice(int(used[0]), int(used[-1]) + 1)
            blocks.append(
                (slice(first, first + len(block)), columns, np.ascontiguousarray(block[:, columns]))
            )
    return Bands(weights.shape[1], tuple(blocks))
