"""Convolutions with the padding as papers state it, and the picture that they start from.

A convolution pads its input with `pad` zeros on each side; a transposed one cuts `pad` values off each side
of its output, so that (n - 1) * stride - 2 * pad + kernel values are left, as in PyTorch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

ROWS, BANDS = 60, 96


@dataclass(frozen=True, slots=True)
class Kernel:
    """Size, stride and padding of a convolution, each (along the bands, along the time)."""

    size: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    pad: tuple[int, int] = (0, 0)


def picture() -> tuple[Any, Any, Any]:
    """Inputs `values` [batch, 60, 96] float32 and `inside` [batch, 60] bool, and the picture [batch, 96, 60,
    1] of them: bands standardised by the layer "standardise", zero outside the track."""
    values = keras.Input((ROWS, BANDS), name="values")
    inside = keras.Input((ROWS,), dtype="bool", name="inside")
    x = keras.layers.Normalization(name="standardise")(values)
    x = ops.where(ops.expand_dims(inside, -1), x, 0.0)
    return values, inside, ops.expand_dims(ops.transpose(x, (0, 2, 1)), -1)


def convolution(x: Any, channels: int, kernel: Kernel, *, name: str) -> Any:
    """Convolution and ReLU: [batch, bands, time, n] -> [batch, bands', time', channels]."""
    x = keras.layers.ZeroPadding2D(kernel.pad, name=f"{name}_pad")(x)
    return keras.layers.Conv2D(channels, kernel.size, kernel.stride, activation="relu", name=name)(x)


def transposed(x: Any, channels: int, kernel: Kernel, *, name: str, activation: str = "relu") -> Any:
    """Transposed convolution: [batch, bands, time, n] -> [batch, bands', time', channels]."""
    x = keras.layers.Conv2DTranspose(
        channels, kernel.size, kernel.stride, padding="valid", activation=activation, name=name
    )(x)
    return keras.layers.Cropping2D(kernel.pad, name=f"{name}_crop")(x)
