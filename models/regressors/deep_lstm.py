"""Deep LSTM regressor: three LSTM layers over a whole track, valence and arousal at every half second.

Coutinho, Trigeorgis, Zafeiriou and Schuller, "Automatically Estimating Emotion in Music with Deep Long-Short
Term Memory Recurrent Neural Networks", MediaEval 2015, section on models: 200, 150 and 25 units, both targets
at once, a linear output, inputs and targets standardised on the training fold, noise on the inputs, all
weights drawn from [-.1, .1]. The paper's LSTMs have peepholes; those of Keras have none.

    [steps, 260] -> standardise -> noise -> LSTM 200 -> LSTM 150 -> LSTM 25 -> linear -> back to the scale
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from models.checks.sizes import WHOLE_TRACK_ROWS, Sizes
from models.regressors.targets import target_names
from models.views import StepView

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True)
class DeepLstmSettings:
    """Sizes of the net; `inputs` is 260 for FS1 and 264 for FS2 of `compare-lld`.

    `initial` bounds the first weights and biases, `noise` is the deviation of the noise in training.
    """

    inputs: int = 260
    layers: tuple[int, ...] = (200, 150, 25)
    noise: float = 0.3
    initial: float = 0.1
    target: str = "both"


PRESETS: Mapping[str, DeepLstmSettings] = {
    "published": DeepLstmSettings(),
    "published-fs2": DeepLstmSettings(inputs=264),
    "compact": DeepLstmSettings(layers=(32, 24, 8)),
}


def view(settings: DeepLstmSettings) -> StepView:
    """The whole track, one step a row."""
    del settings
    return StepView(rows=0, hop=0)


def sizes(settings: DeepLstmSettings) -> Sizes:
    """Of what `build` makes; DataError(bad_bundle) as there."""
    net, values, targets = Sizes(), settings.inputs, len(target_names(settings.target))
    net.standardisation("standardise", values)
    for index, units in enumerate(settings.layers):
        values = net.recurrent(f"lstm{index}", "lstm", (values, units), places=WHOLE_TRACK_ROWS)
    net.dense("curve", values, targets, places=WHOLE_TRACK_ROWS)
    net.shapes |= {"rescale/scale": (targets,), "rescale/offset": (targets,)}
    return net


def build(settings: DeepLstmSettings) -> keras.Model:
    """Model of inputs `values` [batch, steps, inputs] float32 and `inside` [batch, steps] bool -> [batch,
    steps, targets] on the targets' scale, zero outside.

    Each value depends on the steps up to its own alone. Layers "standardise" and "rescale" are filled by
    their `adapt` from the training fold.
    """
    import keras

    from models.regressors.target_scale import TargetScale

    layers, ops = keras.layers, keras.ops
    targets = target_names(settings.target)
    values = keras.Input((None, settings.inputs), name="values")
    inside = keras.Input((None,), dtype="bool", name="inside")
    keep = ops.expand_dims(inside, -1)
    x = layers.Normalization(name="standardise")(values)
    x = layers.GaussianNoise(settings.noise, name="noise")(x)
    x = ops.where(keep, x, 0.0)
    for index, units in enumerate(settings.layers):
        x = _lstm(units, settings.initial, name=f"lstm{index}")(x)
    x = layers.Dense(
        len(targets), name="curve", kernel_initializer=_drawn(settings), bias_initializer=_drawn(settings)
    )(x)
    curve = ops.where(keep, TargetScale(name="rescale")(x), 0.0)
    return keras.Model([values, inside], curve, name="deep_lstm")


def _lstm(units: int, initial: float, *, name: str) -> Any:
    import keras

    def drawn() -> Any:
        return keras.initializers.RandomUniform(-initial, initial)

    return keras.layers.LSTM(
        units,
        return_sequences=True,
        kernel_initializer=drawn(),
        recurrent_initializer=drawn(),
        bias_initializer=drawn(),
        # All weights are drawn alike: none of the forget gates starts open.
        unit_forget_bias=False,
        name=name,
    )


def _drawn(settings: DeepLstmSettings) -> Any:
    import keras

    return keras.initializers.RandomUniform(-settings.initial, settings.initial)
