"""Colour maps as tables: bytes of an image to the RGB values that matplotlib would draw."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from schemas.errors import bad_bundle


def colour_table(name: str) -> NDArray[np.float32]:
    """The 256 colours of a matplotlib map: [256, 3] float32 in [0, 1]; DataError(bad_bundle) if unknown."""
    from matplotlib import colormaps

    if name not in colormaps:
        raise bad_bundle(f"colour map {name!r} is not known")
    table: NDArray[np.float32] = colormaps[name](np.arange(256))[:, :3].astype(np.float32)
    return table


class ColourMap(keras.layers.Layer):  # type: ignore[misc]
    """Bytes [...] -> colours [..., 3] in [-1, 1], by the table of a named map."""

    def __init__(self, colours: str, name: str) -> None:
        super().__init__(name=name, trainable=False)
        self._table = colour_table(colours) * np.float32(2.0) - np.float32(1.0)

    def call(self, image: Any) -> Any:
        """See the class."""
        return ops.take(ops.convert_to_tensor(self._table), ops.cast(image, "int32"), axis=0)

    def compute_output_spec(self, image: Any) -> Any:
        """Shape of the result, for the symbolic pass."""
        return keras.KerasTensor((*image.shape, 3), dtype="float32")
