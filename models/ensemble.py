"""The models of a bundle at work: batches of features to the members' scores and curves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.bundle import Bundle
from models.registry import Role, architecture
from models.tensorflow_start import start_tensorflow
from models.weights import set_weights
from schemas.heavy_start import heavy_start


@dataclass(frozen=True, slots=True)
class Batch:
    """Inputs of one kind of member for several windows: `values` [batch, ...] and what of them counts.

    `extent` is `valid` [batch] int32 (rows that count) for chunks and summaries, `inside` [batch, rows] bool
    for steps.
    """

    values: NDArray[Any]
    extent: NDArray[Any]


class Ensemble:
    """Built and filled models of a bundle, each as one compiled function."""

    def __init__(self, bundle: Bundle, *, threads: int = 1) -> None:
        """Build on first use only. `threads` is TensorFlow's own, 0 for as many as there are cores; the
        first ensemble of a process decides."""
        self._bundle = bundle
        self._threads = threads
        self._functions: dict[str, Any] = {}

    def load(self) -> None:
        """Import TensorFlow, build the models and fill them. Raises DataError(bad_bundle)."""
        start_tensorflow(threads=self._threads)
        with heavy_start():
            for member in self._bundle.members:
                model = architecture(member.architecture).build(member.settings)
                set_weights(model, self._bundle.weights(member), source=member.weights)
                # Constants are copied some times over: for the convolutions of encoders, not for wide nets.
                compile_model = constant if member.role is Role.ENCODER else compiled
                self._functions[member.name] = compile_model(model)

    def run(self, member: str, batch: Batch) -> NDArray[np.float32]:
        """Output of a member by name: scores [batch, tags], shares [batch, 2], curves [batch, steps, n] or an
        encoder's rows [batch, rows, values]."""
        result: NDArray[np.float32] = self._functions[member](batch.values, batch.extent).numpy()
        return result


def constant(model: Any) -> Callable[[Any, Any], Any]:
    """(values, extent) -> output of a model in use whose weights do not change any more: they are constants
    of the compiled graph, so that its convolutions lay them out once and not with each call."""
    import tensorflow as tf

    weights = [
        [variable.numpy() for variable in some]
        for some in (model.trainable_variables, model.non_trainable_variables)
    ]

    def run(values: Any, extent: Any) -> Any:
        held = [[tf.constant(value) for value in some] for some in weights]
        return model.stateless_call(*held, [values, extent], training=False)[0]

    function: Callable[[Any, Any], Any] = tf.function(run)
    return function


def compiled(model: Any) -> Callable[[Any, Any], Any]:
    """(values, extent) -> output of a model in use; follows later changes of its weights."""
    import tensorflow as tf

    def run(values: Any, extent: Any) -> Any:
        return model([values, extent], training=False)

    function: Callable[[Any, Any], Any] = tf.function(run)
    return function
