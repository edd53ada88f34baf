"""Antonym RNN: the shares of two opposite moods in 10 s of music, one model for each pair.

Liu (2018), the antonym classifier: a bidirectional LSTM over the chroma, its last states beside four
constants of the segment, two dense layers, a softmax; trained by plain gradient descent on the cross-entropy
with the shares of raters. The defaults are the published sizes. The paper's chroma has 12 values a frame,
ours those of the harmonic part, where pitch is; the percussive part's and both are settings.

    rows [431, 28] -- chroma [431, 12] -> BiLSTM -> [1024] --+-> dense x 2 -> [share, 1 - share]
                   -- constants -> standardised -> [4] ------+
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.checks.sizes import Sizes
from models.views import ChunkView
from schemas.errors import bad_bundle

if TYPE_CHECKING:
    import keras

# Columns of a row of the front end `hpss-chroma`.
INPUTS = 28
_CHROMA = {"harmonic": slice(0, 12), "percussive": slice(12, 24), "both": slice(0, 24)}
_CONSTANTS = slice(24, INPUTS)
_STANDARDISE = "standardise"


@dataclass(frozen=True, slots=True)
class AntonymSettings:
    """Sizes of the net, its `pair` of moods as "FIRST-SECOND", and the `chroma` that it hears: harmonic,
    percussive or both."""

    pair: str = "calm-excited"
    units: int = 512
    dense: int = 256
    chroma: str = "harmonic"


PRESETS: Mapping[str, AntonymSettings] = {
    "published-calm-excited": AntonymSettings(),
    "published-joy-sad": AntonymSettings("joy-sad"),
    "compact": AntonymSettings(units=32, dense=32),
}


def poles(pair: str) -> tuple[str, str]:
    """The two moods of a pair "FIRST-SECOND", in the order of the model's shares.

    DataError(bad_bundle) for a text that is not two different words.
    """
    first, _, second = pair.partition("-")
    if not first or not second or "-" in second or first == second:
        raise bad_bundle(f"pair {pair!r} is not two moods with a hyphen between them")
    return first, second


def view(_: AntonymSettings) -> ChunkView:
    """Segments of 10 s: 431 frames of 512 samples at 22,050 Hz."""
    return ChunkView(rows=431, length_s=10.0, minimum_s=3.0)


def sizes(settings: AntonymSettings) -> Sizes:
    """Of what `build` makes; DataError(bad_bundle) as there."""
    poles(settings.pair)
    columns, constants = (range(INPUTS)[part] for part in (_chroma_columns(settings), _CONSTANTS))
    net = Sizes()
    states = net.recurrent("rnn", "bilstm", (len(columns), settings.units), places=view(settings).rows)
    net.standardisation(_STANDARDISE, len(constants))
    values = states + len(constants)
    for index in range(2):
        values = net.dense(f"dense{index}", values, settings.dense)
    net.dense("shares", values, 2)
    return net


def build(settings: AntonymSettings) -> keras.Model:
    """Model of inputs `values` [batch, rows, 28] float32 and `valid` [batch] int32 rows -> shares [batch, 2],
    that of the pair's first mood first, together 1. Rows from `valid` on change nothing.

    DataError(bad_bundle) for a pair or a chroma that there is not.
    """
    import keras

    from models.recurrence import ValidSteps, recurrent

    first, second = poles(settings.pair)
    columns = _chroma_columns(settings)
    layers = keras.layers
    values = keras.Input((None, INPUTS), name="values")
    valid = keras.Input((), dtype="int32", name="valid")
    steps = ValidSteps(name="steps")(values, valid)
    states = recurrent("bilstm", settings.units, sequences=False, dropout=0.0, name="rnn")(
        values[..., columns], mask=steps
    )
    # Mean and variance of the training set: weights of the layer, filled by `standardise`.
    facts = layers.Normalization(name=_STANDARDISE)(_mean_constants(values, steps))
    x = layers.Concatenate(name="states_and_constants")([states, facts])
    for index in range(2):
        x = layers.Dense(settings.dense, activation="relu", name=f"dense{index}")(x)
    shares = layers.Dense(2, activation="softmax", name="shares")(x)
    return keras.Model([values, valid], shares, name=f"antonym_rnn_{first}_{second}")


def standardise(model: keras.Model, values: NDArray[np.float32], valid: NDArray[np.int32]) -> None:
    """Fill the model's mean and variance of the constants from the training set.

    `values` [segments, rows, 28] and `valid` [segments] as the model takes them. A constant that is the same
    in every segment keeps its scale.
    """
    from models.weights import arrays_of, set_weights

    steps = np.arange(values.shape[1])[None, :] < np.asarray(valid)[:, None]
    sums = (values[..., _CONSTANTS].astype(np.float64) * steps[..., None]).sum(axis=1)
    constants = sums / np.maximum(steps.sum(axis=1), 1)[:, None]
    mean, variance = constants.mean(axis=0), constants.var(axis=0)
    # Rounding in float32 leaves some variance where there is none.
    same = np.sqrt(variance) <= 1e-6 * np.abs(mean)
    arrays: dict[str, NDArray[Any]] = arrays_of(model)
    arrays[f"{_STANDARDISE}/mean"] = mean.astype(np.float32)
    arrays[f"{_STANDARDISE}/variance"] = np.where(same, 1.0, variance).astype(np.float32)
    set_weights(model, arrays, source=model.name)


def _chroma_columns(settings: AntonymSettings) -> slice:
    if settings.chroma not in _CHROMA:
        raise bad_bundle(f"chroma {settings.chroma!r} is not known; there are {', '.join(_CHROMA)}")
    return _CHROMA[settings.chroma]


def _mean_constants(values: Any, steps: Any) -> Any:
    """The constants stand on every row: their mean over the rows that count, [batch, 4]."""
    from keras import ops

    keep = ops.expand_dims(steps, -1)
    constants = values[..., _CONSTANTS]
    total = ops.sum(ops.where(keep, constants, ops.zeros_like(constants)), axis=1)
    return total / ops.maximum(ops.sum(ops.cast(keep, "float32"), axis=1), 1.0)
