"""Mobile encoder: log-mel of half seconds to learned rows on the same clock, by cheap convolutions.

The layers and sizes of MobileNet v1 (Howard et al., 2017) on a log-mel, its batch normalisation folded into
the convolutions. As YAMNet does, whose weights it can start from, it hears patches of 96 frames one by one,
here three half seconds, each with zeros around it: a patch's row knows of nothing else, so a track may be cut
between any two patches.

    3 rows = [96, 64] -> conv / 2 -> 13 x (3 x 3 of each channel, 1 x 1 of all) -> [3, 2, 1024] -> mean
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models.checks.sizes import Sizes
from models.views import StepView
from schemas.errors import bad_bundle

if TYPE_CHECKING:
    import keras

FRAMES = 32
PATCH_ROWS = 3

_FIRST_CHANNELS = 32
_FIRST_STRIDE = 2


@dataclass(frozen=True, slots=True)
class MobileSettings:
    """Sizes of the net: one block for each of the `channels` and `strides`; `rows` of one call.

    DataError(bad_bundle) for other than one stride of 1 or 2 a block, strides that do not make one place of
    32 frames, or rows that are no whole patches.
    """

    channels: tuple[int, ...] = (64, 128, 128, 256, 256, *[512] * 6, 1024, 1024)
    strides: tuple[int, ...] = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
    bands: int = 64
    rows: int = 60

    def __post_init__(self) -> None:
        if len(self.channels) != len(self.strides) or not set(self.strides) <= {1, 2}:
            raise bad_bundle(f"strides {self.strides} of channels {self.channels}: one of 1 or 2 for each")
        if (total := _FIRST_STRIDE * math.prod(self.strides)) != FRAMES:
            raise bad_bundle(f"strides {self.strides} make a place of {total} frames, not of {FRAMES}")
        if self.rows < 1 or self.rows % PATCH_ROWS:
            raise bad_bundle(f"{self.rows} rows are no whole patches of {PATCH_ROWS}")

    @property
    def inputs(self) -> int:
        """Values of one row of the front end."""
        return FRAMES * self.bands

    @property
    def outputs(self) -> int:
        """Values of one row of its own."""
        return self.channels[-1]


def view(settings: MobileSettings) -> StepView:
    """Stretches of whole patches, side by side."""
    return StepView(rows=settings.rows, hop=settings.rows, grid=PATCH_ROWS)


def sizes(settings: MobileSettings) -> Sizes:
    """Of what `build` makes."""
    net, frames, bands = Sizes(), PATCH_ROWS * FRAMES, settings.bands
    patches = settings.rows // PATCH_ROWS
    net.fill(patches * frames * bands)
    frames, bands = -(-frames // _FIRST_STRIDE), -(-bands // _FIRST_STRIDE)
    places = patches * frames * bands
    values = net.convolution("conv0", (3, 3), (1, _FIRST_CHANNELS), places=places)
    for index, (channels, stride) in enumerate(zip(settings.channels, settings.strides, strict=True), 1):
        net.depthwise(f"depth{index}", (3, 3), values)
        frames, bands = -(-frames // stride), -(-bands // stride)
        places = patches * frames * bands
        values = net.convolution(f"point{index}", (1, 1), (values, channels), places=places)
    return net


def build(settings: MobileSettings) -> keras.Model:
    """Model of inputs `values` [batch, rows, 32, bands] float32 in natural logarithms and `inside`
    [batch, rows] bool -> [batch, rows, outputs] float32, of which the three of a patch are equal.

    Where a track ends inside a patch, the patch's rows that there are stand in for those that there are not.
    """
    import keras

    layers, ops = keras.layers, keras.ops
    values = keras.Input((settings.rows, FRAMES, settings.bands), name="values")
    inside = keras.Input((settings.rows,), dtype="bool", name="inside")
    x = _filled(
        ops.reshape(values, (-1, PATCH_ROWS, FRAMES, settings.bands)),
        ops.reshape(inside, (-1, PATCH_ROWS)),
    )
    x = ops.reshape(x, (-1, PATCH_ROWS * FRAMES, settings.bands, 1))
    same: dict[str, Any] = {"padding": "same", "activation": "relu"}
    x = layers.Conv2D(_FIRST_CHANNELS, 3, strides=_FIRST_STRIDE, name="conv0", **same)(x)
    for index, (channels, stride) in enumerate(zip(settings.channels, settings.strides, strict=True), 1):
        x = layers.DepthwiseConv2D(3, strides=stride, name=f"depth{index}", **same)(x)
        x = layers.Conv2D(channels, 1, name=f"point{index}", **same)(x)
    patches = ops.reshape(ops.mean(x, axis=(1, 2)), (-1, settings.rows // PATCH_ROWS, settings.outputs))
    return keras.Model([values, inside], ops.repeat(patches, PATCH_ROWS, axis=1), name="mobile")


def _filled(patches: Any, inside: Any) -> Any:
    """Tensors patches [n, 3, frames, bands] and inside [n, 3] bool, true ones first -> the patches with the
    rows inside over and over."""
    from keras import ops

    known = ops.maximum(ops.sum(ops.cast(inside, "int32"), axis=1, keepdims=True), 1)
    places = ops.mod(ops.arange(PATCH_ROWS, dtype="int32")[None], known)
    return ops.take_along_axis(patches, places[:, :, None, None], axis=1)
