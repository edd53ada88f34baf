"""How near values lie to each of some centres: 1 at a centre, falling to 0 with the distance from it."""

from __future__ import annotations

from typing import Any

from keras import layers, ops


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
        scaled = values * self.scale
        lengths = ops.sum(ops.square(scaled), axis=-1, keepdims=True)
        squares = lengths + ops.sum(ops.square(self.centres), axis=0) - 2.0 * ops.matmul(scaled, self.centres)
        return ops.exp(-ops.relu(squares))
