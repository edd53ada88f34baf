"""Scales of ratings: ours is [-1, 1]; any other is stated, and a value outside it is refused."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.evaluation.reading.refusal import refuse


@dataclass(frozen=True, slots=True)
class Scale:
    """The lowest and highest value that a rating can have."""

    low: float = -1.0
    high: float = 1.0

    def to_ours(self, values: NDArray[np.float64], *, source: str) -> NDArray[np.float64]:
        """Values of any shape to [-1, 1]; DataError(bad_input) for one outside the scale."""
        outside = (values < self.low) | (values > self.high)
        if outside.any():
            what = f"a rating of {values[outside][0]:g} is outside [{self.low:g}, {self.high:g}]"
            raise refuse(source, f"{what}; state its scale")
        if (self.low, self.high) == (-1.0, 1.0):
            return values
        return np.asarray((values - self.low) / (self.high - self.low) * 2.0 - 1.0, np.float64)
