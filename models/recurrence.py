"""Recurrent layers by cell name, and the layers that keep padding out of every result."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from schemas.errors import bad_bundle

CELLS = ("lstm", "gru", "bilstm")


def recurrent(
    cell: str, units: int, *, sequences: bool, dropout: float | tuple[float, float], name: str
) -> keras.layers.Layer:
    """One recurrent layer: `cell` is lstm, gru or bilstm (both directions, joined).

    `dropout` is the share dropped of the inputs in training, or a pair: of the inputs and of the state that
    goes from step to step. DataError(bad_bundle) for any other cell.
    """
    if cell not in CELLS:
        raise bad_bundle(f"cell {cell!r} is not known; there are {', '.join(CELLS)}")
    of_inputs, of_state = dropout if isinstance(dropout, tuple) else (dropout, 0.0)
    kind = keras.layers.GRU if cell == "gru" else keras.layers.LSTM
    layer = kind(units, return_sequences=sequences, dropout=of_inputs, recurrent_dropout=of_state, name=name)
    return keras.layers.Bidirectional(layer, name=name) if cell == "bilstm" else layer


class ValidSteps(keras.layers.Layer):  # type: ignore[misc]
    """([batch, time, ...], valid [batch] int) -> [batch, time] bool, true for the first `valid` steps."""

    def call(self, values: Any, valid: Any) -> Any:
        """See the class."""
        return ops.arange(ops.shape(values)[1])[None, :] < valid[:, None]


class ZeroPadding(keras.layers.Layer):  # type: ignore[misc]
    """([batch, time, ...], valid [batch] int) -> the same with zeros from step `valid` on.

    A convolution with "SAME" padding then sees beyond a short input what it sees beyond a whole one.
    """

    def call(self, values: Any, valid: Any) -> Any:
        """See the class."""
        keep = ops.arange(ops.shape(values)[1])[None, :] < valid[:, None]
        keep = ops.reshape(keep, ops.shape(keep) + (1,) * (len(values.shape) - 2))
        return ops.where(keep, values, ops.zeros_like(values))
