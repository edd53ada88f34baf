"""Convolutional autoencoder: half a minute of mel columns to one value for each half second.

Yang (2021), section on the proposed model: two convolutions, three transposed ones, ReLU after all but the
last, max pooling, tanh, one net for each target. The stated padding of the last transposed convolution,
(1, 6), leaves 16 x 53, from which no pooling gives 60 values; read as (6, 1) it leaves 6 x 63, and a pool of
6 x 4 exactly 1 x 60. Published is one count of channels, the 128 of the bottleneck; 32, 64 and, after it, 64
are our choice, and that the dropout is on the bottleneck.

    96 x 60 -> 48 x 30 -> 24 x 15 -> 18 x 31 x 128 -> 12 x 65 -> 6 x 63 -> pool 1 x 60
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
class AutoencoderSettings:
    """Sizes of the net; `channels` after the two convolutions and the first two transposed ones.

    The paper trains one net for each target; "both" gives the last layer a channel for each.
    """

    channels: tuple[int, ...] = (32, 64, 128, 64)
    dropout: float = 0.75
    target: str = "valence"


PRESETS: Mapping[str, AutoencoderSettings] = {
    "published": AutoencoderSettings(),
    "published-arousal": AutoencoderSettings(target="arousal"),
    "compact": AutoencoderSettings(channels=(8, 16, 32, 16)),
}


def view(settings: AutoencoderSettings) -> StepView:
    """Half a minute, one stretch after the other."""
    del settings
    return StepView(rows=60, hop=60)


def sizes(settings: AutoencoderSettings) -> Sizes:
    """Of what `build` makes; DataError(bad_bundle) as there."""
    first, second, bottleneck, fourth = _four(settings)
    targets = len(target_names(settings.target))
    net = Sizes()
    net.standardisation("standardise", 96)
    net.convolution("conv0", (7, 7), (1, first), places=48 * 30)
    net.convolution("conv1", (5, 5), (first, second), places=24 * 15)
    # Transposed kernels have their outputs first; what they give is larger before it is cropped.
    for name, kernel, ends, places in (
        ("back0", (5, 5), (bottleneck, second), 28 * 33),
        ("back1", (7, 7), (fourth, bottleneck), 24 * 67),
        ("back2", (7, 1), (targets, fourth), 18 * 65),
    ):
        net.convolution(name, kernel, ends, places=places)
        net.shapes[f"{name}/bias"] = ends[:1]
    return net


def build(settings: AutoencoderSettings) -> keras.Model:
    """Model of inputs `values` [batch, 60, 96] float32 and `inside` [batch, 60] bool -> [batch, 60, targets]
    in (-1, 1). Columns not inside are seen as zeros, the mean of the training fold.

    DataError(bad_bundle) for a target that is not known or other than four channels.
    """
    import keras

    from models.regressors.convolutions import Kernel, convolution, picture, transposed

    first, second, bottleneck, fourth = _four(settings)
    targets = len(target_names(settings.target))
    values, inside, x = picture()
    x = convolution(x, first, Kernel((7, 7), (2, 2), (3, 3)), name="conv0")
    x = convolution(x, second, Kernel((5, 5), (2, 2), (2, 2)), name="conv1")
    x = transposed(x, bottleneck, Kernel((5, 5), (1, 2), (5, 1)), name="back0")
    x = keras.layers.Dropout(settings.dropout, name="dropout")(x)
    x = transposed(x, fourth, Kernel((7, 7), (1, 2), (6, 1)), name="back1")
    x = transposed(x, targets, Kernel((7, 1), (1, 1), (6, 1)), name="back2", activation="linear")
    x = keras.layers.MaxPooling2D((6, 4), (1, 1), name="pool")(x)
    x = keras.layers.Activation("tanh", name="tanh")(x)
    curve = keras.layers.Reshape((60, targets), name="curve")(x)
    return keras.Model([values, inside], curve, name="autoencoder")


def _four(settings: AutoencoderSettings) -> tuple[int, ...]:
    if len(settings.channels) != 4:
        raise bad_bundle(f"channels are {settings.channels}; the autoencoder needs four")
    return settings.channels
