"""Layer that brings a net's standardised output back to the scale of the targets."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from schemas.errors import DataError, FailureKind, Stage


class TargetScale(keras.layers.Layer):  # type: ignore[misc]
    """[..., targets] standardised -> the same times `scale` plus `offset`.

    Deviation and mean of the targets on the training fold: weights that no optimiser changes, filled by
    `adapt`; 1 and 0 before.
    """

    def build(self, shape: Any) -> None:
        """See keras.layers.Layer."""
        self.scale = self.add_weight(shape=(shape[-1],), initializer="ones", trainable=False, name="scale")
        self.offset = self.add_weight(shape=(shape[-1],), initializer="zeros", trainable=False, name="offset")

    def call(self, values: Any) -> Any:
        """See the class."""
        return values * self.scale + self.offset

    def adapt(self, targets: NDArray[np.floating]) -> None:
        """Take mean and deviation of targets [n, targets]; rows with NaN have no rating and do not count.

        DataError(bad_input) where fewer than two rows are left, or a target never changes.
        """
        rated = targets[np.isfinite(targets).all(axis=1)].astype(np.float64)
        if len(rated) < 2:
            raise _refusal(f"{len(rated)} of {len(targets)} rows of targets are finite; two are needed")
        deviation = rated.std(axis=0)
        if not deviation.min() > 0.0:
            raise _refusal(
                f"target {int(deviation.argmin())} is {rated[0, deviation.argmin()]:g} in every row"
            )
        self.scale.assign(deviation)
        self.offset.assign(rated.mean(axis=0))

    def standardised(self, values: Any) -> Any:
        """Targets [..., targets] -> the same standardised, for losses in the paper's units."""
        return (ops.convert_to_tensor(values) - self.offset) / self.scale


def _refusal(message: str) -> DataError:
    return DataError(FailureKind.BAD_INPUT, Stage.INPUT, message)
