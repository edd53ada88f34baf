"""Layers of the affect head: the mean of what lies around each step, and how near it is to some centres."""

from __future__ import annotations

from typing import Any

from keras import layers, ops


class MeanAround(layers.Layer):  # type: ignore[misc]
    """Mean of the rows inside the track within +- `context` of each: values [batch, rows, n] and inside
    [batch, rows] bool -> [batch, rows, n]; zero where none of them is inside."""

    def __init__(self, context: int, **settings: Any) -> None:
        super().__init__(**settings)
        self.context = context

    def call(self, values: Any, inside: Any) -> Any:
        """See the class."""
        places = ops.arange(ops.shape(values)[1])
        beside = ops.abs(places[:, None] - places[None]) <= self.context
        weights = ops.cast(ops.logical_and(beside[None], inside[:, None, :]), "float32")
        count = ops.maximum(ops.sum(weights, axis=-1, keepdims=True), 1.0)
        kept = ops.where(inside[:, :, None], values, 0.0)
        return ops.matmul(weights, kept) / count


class Nearness(layers.Layer):  # type: ignore[misc]
    """exp(-|scale * x - centre|^2) for each of the centres: [..., values] -> [..., centres].

    Weights: `scale` [values], which holds the width too, and `centres` [values, centres], scaled already.
    """

    def __init__(self, centres: int, **settings: Any) -> None:
        super().__init__(**settings)
        self.count = centres

    def build(self, shape: Any) -> None:
        """Make the weights for inputs of a shape."""
        self.scale = self.add_weight(shape=(shape[-1],), initializer="ones", name="scale")
        self.centres = self.add_weight(
            shape=(shape[-1], self.count), initializer="glorot_uniform", name="centres"
        )

    def call(self, values: Any) -> Any:
        """See the class."""
        # All seen from the middle of the centres: from far away, where music lies, the squares are so large
        # that in single precision their differences are off by thousandths.
        middle = ops.mean(self.centres, axis=1)
        centres, scaled = self.centres - middle[:, None], values * self.scale - middle
        lengths = ops.sum(ops.square(scaled), axis=-1, keepdims=True)
        squares = lengths + ops.sum(ops.square(centres), axis=0) - 2.0 * ops.matmul(scaled, centres)
        return ops.exp(-ops.relu(squares))
