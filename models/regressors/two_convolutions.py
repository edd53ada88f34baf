"""Two convolutions and three dense layers: the baseline of the convolutional autoencoder.

Yang (2021), section on the baseline: two convolutions with stride 3 and padding 2, three dense layers. The
kernels of 5 x 5, the channels and the widths are not published and our choice; the last of the dense layers
gives one value for each half second, through tanh as in the autoencoder.

    96 x 60 -> 32 x 20 -> 11 x 7 -> 512 -> 256 -> 60
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.checks.sizes import Sizes
from models.regressors.targets import target_names
from models.views import StepView
from schemas.errors import bad_bundle

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True)
class TwoConvolutionsSettings:
    """Sizes of the net; `dense` are the widths before the last layer. One net for each target, or "both"."""

    channels: tuple[int, ...] = (32, 64)
    dense: tuple[int, ...] = (512, 256)
    target: str = "valence"


PRESETS: Mapping[str, TwoConvolutionsSettings] = {
    "published": TwoConvolutionsSettings(),
    "published-arousal": TwoConvolutionsSettings(target="arousal"),
    "compact": TwoConvolutionsSettings(channels=(8, 16), dense=(64, 64)),
}


def view(settings: TwoConvolutionsSettings) -> StepView:
    """Half a minute, one stretch after the other."""
    del settings
    return StepView(rows=60, hop=60)


def sizes(settings: TwoConvolutionsSettings) -> Sizes:
    """Of what `build` makes; DataError(bad_bundle) as there."""
    first, second = _two(settings)
    net = Sizes()
    net.standardisation("standardise", 96)
    net.convolution("conv0", (5, 5), (1, first), places=32 * 20)
    net.convolution("conv1", (5, 5), (first, second), places=11 * 7)
    values = 11 * 7 * second
    for index, width in enumerate(settings.dense):
        values = net.dense(f"dense{index}", values, width)
    net.dense("steps", values, 60 * len(target_names(settings.target)))
    return net


def build(settings: TwoConvolutionsSettings) -> keras.Model:
    """Model of inputs `values` [batch, 60, 96] float32 and `inside` [batch, 60] bool -> [batch, 60, targets]
    in (-1, 1). Columns not inside are seen as zeros, the mean of the training fold.

    DataError(bad_bundle) for a target that is not known or other than two convolutions.
    """
    import keras

    from models.regressors.convolutions import Kernel, convolution, picture

    layers = keras.layers
    targets = len(target_names(settings.target))
    values, inside, x = picture()
    for index, channels in enumerate(_two(settings)):
        x = convolution(x, channels, Kernel((5, 5), (3, 3), (2, 2)), name=f"conv{index}")
    x = layers.Flatten(name="flat")(x)
    for index, width in enumerate(settings.dense):
        x = layers.Dense(width, activation="relu", name=f"dense{index}")(x)
    x = layers.Dense(60 * targets, activation="tanh", name="steps")(x)
    curve = layers.Reshape((60, targets), name="curve")(x)
    return keras.Model([values, inside], curve, name="two_convolutions")


def _two(settings: TwoConvolutionsSettings) -> tuple[int, ...]:
    if len(settings.channels) != 2:
        raise bad_bundle(f"channels are {settings.channels}; the baseline has two convolutions")
    return settings.channels
