"""Dilated regressor: valence and arousal at 2 Hz from mel steps, with a bounded view to both sides.

The 2 Hz clock and the two targets in one net are those of Coutinho et al. (2015); dilated convolutions
(van den Oord et al., 2016) stand in for their LSTMs because their view is bounded: a track cut with
`margin` steps to spare gives the same curve as the whole track, wherever it is cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.checks.sizes import Sizes
from models.views import StepView

if TYPE_CHECKING:
    import keras

KERNEL = 5
CORE_STEPS = 80


@dataclass(frozen=True, slots=True)
class DilatedSettings:
    """Sizes of the net; one layer for each of the `dilations`."""

    inputs: int = 192
    channels: int = 48
    dilations: tuple[int, ...] = (1, 2, 4)
    dropout: float = 0.3
    targets: int = 2

    @property
    def margin(self) -> int:
        """Steps to either side that a value depends on."""
        return (KERNEL - 1) // 2 * sum(self.dilations)


def view(settings: DilatedSettings) -> StepView:
    """Stretches of 40 s with what their values depend on to either side."""
    margin = settings.margin
    return StepView(rows=CORE_STEPS + 2 * margin, hop=CORE_STEPS, lead=margin, first_step=margin)


def sizes(settings: DilatedSettings) -> Sizes:
    """Of what `build` makes."""
    net, channels, rows = Sizes(), settings.channels, view(settings).rows
    net.standardisation("standardise", settings.inputs)
    net.dense("inputs", settings.inputs, channels, places=rows)
    for index in range(len(settings.dilations)):
        net.convolution(f"conv{index}", (KERNEL,), (channels, channels), places=rows)
    net.dense("curve", channels, settings.targets, places=rows)
    return net


def build(settings: DilatedSettings) -> keras.Model:
    """Model of inputs `values` [batch, steps, inputs] float32 and `inside` [batch, steps] bool -> valence
    and arousal [batch, steps, 2] in (-1, 1). Steps not inside the track change nothing."""
    import keras

    layers, ops = keras.layers, keras.ops
    values = keras.Input((None, settings.inputs), name="values")
    inside = keras.Input((None,), dtype="bool", name="inside")
    keep = ops.expand_dims(ops.cast(inside, "float32"), -1)
    # Mean and variance of the training set: weights of the layer, filled by `adapt`.
    x = layers.Normalization(name="standardise")(values)
    x = layers.Dense(settings.channels, activation="relu", name="inputs")(x) * keep
    for index, dilation in enumerate(settings.dilations):
        y = layers.Dropout(settings.dropout, name=f"dropout{index}")(x)
        y = layers.Conv1D(
            settings.channels,
            KERNEL,
            padding="same",
            dilation_rate=dilation,
            activation="relu",
            name=f"conv{index}",
        )(y)
        x = (x + y) * keep
    x = layers.Dropout(settings.dropout, name="dropout")(x)
    curve = layers.Dense(settings.targets, activation="tanh", name="curve")(x)
    return keras.Model([values, inside], curve, name="dilated")
