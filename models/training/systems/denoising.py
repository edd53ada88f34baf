"""Pre-training of the deep LSTM's first layer as a denoising auto-encoder.

Coutinho et al. (2015), section on models: an LSTM of the first layer's size learns to give back its input
from the input with noise, y(t) = x(t); its weights are where the first layer starts. The sum of squared
errors, the momentum and the rate are those of the net's own training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.training.systems.schedules import schedule
from schemas.errors import DataError, FailureKind, Stage

if TYPE_CHECKING:
    import keras

Floats = NDArray[np.float32]

_INITIAL = 0.1


def pretrain_first_layer(
    model: keras.Model, sequences: Sequence[Floats], *, epochs: int, seed: int, rate: float | None = None
) -> list[float]:
    """Train the layer "lstm0" of a deep LSTM, in place, to clean its input; returns each epoch's loss.

    `sequences` are tracks [steps, inputs] float32 as the model takes them, at 2 Hz; its layer "standardise"
    has to be filled before. The loss is the mean squared error of a standardised value, with noise on the
    input. `rate` None is that of the published schedule. The same model, sequences and seed give the same
    weights. Raises DataError(bad_input) for no sequences, a value that is not finite or a wrong width.
    """
    _check(sequences, width=model.inputs[0].shape[-1])
    first = model.get_layer("lstm0")
    standardise = model.get_layer("standardise")
    encoder, auto_encoder = _auto_encoder(first, noise=float(model.get_layer("noise").stddev), seed=seed)
    encoder.set_weights(first.get_weights())
    clean = [np.asarray(standardise(track[None]))[0] for track in sequences]
    advance = _step(auto_encoder, rate)
    generator = np.random.default_rng(seed)
    losses = []
    for _ in range(epochs):
        total = sum(float(advance(*batch)) for batch in _batches(clean, generator))
        losses.append(total / sum(track.size for track in clean))
    first.set_weights(encoder.get_weights())
    return losses


def _check(sequences: Sequence[Floats], *, width: int) -> None:
    if not sequences:
        raise _refusal("no sequences to pre-train on")
    for place, track in enumerate(sequences):
        if track.ndim != 2 or track.shape[1] != width or not len(track):
            raise _refusal(f"sequence {place} is {list(track.shape)}; the model takes [steps, {width}]")
        if not np.isfinite(track).all():
            raise _refusal(f"sequence {place} has a value that is not finite")


def _refusal(message: str) -> DataError:
    return DataError(FailureKind.BAD_INPUT, Stage.INPUT, message)


def _auto_encoder(first: Any, *, noise: float, seed: int) -> tuple[Any, Any]:
    """A layer like `first`, and the net [batch, steps, inputs] -> the same around it."""
    import keras

    def drawn(offset: int) -> Any:
        return keras.initializers.RandomUniform(-_INITIAL, _INITIAL, seed=seed + offset)

    width = first.cell.kernel.shape[0]
    encoder = keras.layers.LSTM.from_config({**first.get_config(), "name": "encoder"})
    decoder = keras.layers.Dense(width, kernel_initializer=drawn(0), bias_initializer=drawn(1))
    inputs = keras.Input((None, width))
    noisy = keras.layers.GaussianNoise(noise, seed=seed)(inputs)
    return encoder, keras.Model(inputs, decoder(encoder(noisy)), name="denoising")


def _batches(tracks: Sequence[Floats], generator: np.random.Generator) -> Iterator[tuple[Floats, Floats]]:
    """Tracks in random order: values [batch, steps, inputs] and what counts of them [batch, steps, 1]."""
    batch = schedule("deep-lstm", "published").batch
    order = generator.permutation(len(tracks))
    for start in range(0, len(tracks), batch):
        chosen = [tracks[place] for place in order[start : start + batch]]
        steps = max(len(track) for track in chosen)
        values = np.zeros((len(chosen), steps, chosen[0].shape[1]), np.float32)
        counts = np.zeros((len(chosen), steps, 1), np.float32)
        for row, track in enumerate(chosen):
            values[row, : len(track)] = track
            counts[row, : len(track)] = 1.0
        yield values, counts


def _step(auto_encoder: Any, rate: float | None) -> Callable[[Floats, Floats], Any]:
    """One compiled update: (values, counts) -> sum of squared errors before it."""
    import keras
    import tensorflow as tf

    published = schedule("deep-lstm", "published")
    rate = published.phases[0].rate if rate is None else rate
    optimizer = keras.optimizers.SGD(rate, momentum=published.momentum)
    variables = auto_encoder.trainable_variables
    optimizer.build(variables)
    width = auto_encoder.inputs[0].shape[-1]

    def advance(values: Any, counts: Any) -> Any:
        with tf.GradientTape() as tape:
            errors = (auto_encoder(values, training=True) - values) * counts
            loss = tf.reduce_sum(tf.square(errors))
        optimizer.apply(tape.gradient(loss, [variable.value for variable in variables]), variables)
        return loss

    signature = [tf.TensorSpec((None, None, width)), tf.TensorSpec((None, None, 1))]
    return tf.function(advance, input_signature=signature)  # type: ignore[no-any-return]
