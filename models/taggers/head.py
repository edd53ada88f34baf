"""Head of the taggers: two recurrent layers and a dense one over a sequence, one score for each tag.

Amiriparian et al. (2019): batch normalisation after each recurrent layer and before the dense layer's ReLU.
"""

from __future__ import annotations

from typing import Any, Protocol

import keras

from models.recurrence import recurrent


class HeadSettings(Protocol):
    """What of a tagger's settings the head is built from."""

    @property
    def cell(self) -> str:
        """Recurrent cell: lstm, gru or bilstm."""

    @property
    def units(self) -> int:
        """Units of a recurrent layer, in each direction."""

    @property
    def dense(self) -> int:
        """Units of the dense layer."""

    @property
    def dropout(self) -> float:
        """Share dropped in training."""

    @property
    def tags(self) -> int:
        """Scores."""


def recurrent_head(
    sequence: Any, steps: Any, settings: HeadSettings, *, recurrent_dropout: float = 0.0
) -> Any:
    """Tensors sequence [batch, time, values] and steps [batch, time] bool, true for what counts -> scores
    [batch, tags] in (0, 1). `recurrent_dropout` is the share of a state dropped in training."""
    layers = keras.layers
    x = sequence
    for index, sequences in enumerate((True, False)):
        layer = recurrent(
            settings.cell,
            settings.units,
            sequences=sequences,
            dropout=(settings.dropout, recurrent_dropout),
            name=f"rnn{index}",
        )
        x = layers.BatchNormalization(name=f"rnn{index}_norm")(layer(x, mask=steps))
    x = layers.Dense(settings.dense, name="dense")(x)
    x = layers.BatchNormalization(name="dense_norm")(x)
    x = layers.Dropout(settings.dropout, name="dropout")(layers.ReLU(name="relu")(x))
    return layers.Dense(settings.tags, activation="sigmoid", name="scores")(x)
