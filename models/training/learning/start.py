"""Before the first step: a member's model with its seed and first weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.registry import architecture
from models.training.members import Plan
from models.weights import arrays_of, set_weights


def start(plan: Plan, arrays: Mapping[str, NDArray[Any]] | None = None) -> Any:
    """A new model with the plan's seed; its convolutions are those of `arrays`, another member's."""
    import keras

    keras.utils.set_random_seed(plan.seed)
    model = architecture(plan.architecture).build(plan.settings)
    if arrays is not None:
        shared = {name: array for name, array in arrays.items() if name.startswith("conv")}
        set_weights(model, {**arrays_of(model), **shared}, source=plan.start_from)
    return model


def standardise(model: Any, values: NDArray[np.float32]) -> None:
    """Fill a regressor's first layer with mean and deviation of [steps, inputs] of the training clips."""
    model.get_layer("standardise").adapt(values[None])
