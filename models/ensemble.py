"""The models of a bundle at work: batches of features to the members' scores and curves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.bundle import Bundle, Member
from models.registry import Role, architecture
from models.tensorflow_start import start_tensorflow
from models.weights import set_weights


@dataclass(frozen=True, slots=True)
class Batch:
    """Inputs of one kind of member for several chunks: `values` [batch, ...] and what of them counts.

    `extent` is `valid` [batch] int32 (steps that count) for taggers, `inside` [batch, steps] bool for
    regressors.
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
        for member in self._bundle.members:
            model = architecture(member.architecture).build(member.settings)
            set_weights(model, self._bundle.weights(member), source=member.weights)
            self._functions[member.name] = compiled(model)

    def tag(self, batches: Mapping[str, Batch]) -> NDArray[np.float32]:
        """Scores of every tagger: batches by front end -> [taggers, batch, tags] float32."""
        taggers = self._bundle.of_role(Role.TAGGER)
        return np.stack([self._run(member, batches[member.front_end]) for member in taggers])

    def regress(self, batches: Mapping[str, Batch]) -> NDArray[np.float32]:
        """Curves of every regressor: batches by front end -> [regressors, batch, steps, 2] float32."""
        regressors = self._bundle.of_role(Role.REGRESSOR)
        return np.stack([self._run(member, batches[member.front_end]) for member in regressors])

    def _run(self, member: Member, batch: Batch) -> NDArray[np.float32]:
        result: NDArray[np.float32] = self._functions[member.name](batch.values, batch.extent).numpy()
        return result


def compiled(model: Any) -> Callable[[Any, Any], Any]:
    """(values, extent) -> output of a model in use; follows later changes of its weights."""
    import tensorflow as tf

    def run(values: Any, extent: Any) -> Any:
        return model([values, extent], training=False)

    function: Callable[[Any, Any], Any] = tf.function(run)
    return function
