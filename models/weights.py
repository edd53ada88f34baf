"""Weights of a Keras model as plain arrays by variable path, and back, shapes checked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.checks.array_file import check_values
from schemas.errors import bad_bundle

if TYPE_CHECKING:
    import keras


def arrays_of(model: keras.Model) -> dict[str, NDArray[Any]]:
    """Arrays of the variables that make up a model's function, by path; no state of random generators."""
    return {variable.path: np.asarray(variable) for variable in _variables(model)}


def save_weights(model: keras.Model, path: Path) -> None:
    """Write the arrays of a model as safetensors."""
    from safetensors.numpy import save_file

    save_file({name: np.array(array, order="C") for name, array in arrays_of(model).items()}, path)
    path.chmod(0o644)


def set_weights(model: keras.Model, arrays: Mapping[str, NDArray[Any]], *, source: str) -> None:
    """Fill a model; DataError(bad_bundle) for an array that is missing, left over, of another shape or
    with values that are not finite or beyond all bounds."""
    variables = {variable.path: variable for variable in _variables(model)}
    if wrong := sorted(set(variables) ^ set(arrays)):
        state = "missing" if wrong[0] in variables else "not of this architecture"
        raise bad_bundle(f"{source}: array {wrong[0]!r} is {state}")
    for name, variable in variables.items():
        if tuple(variable.shape) != arrays[name].shape:
            raise bad_bundle(
                f"{source}: array {name!r} is {list(arrays[name].shape)}, "
                f"the architecture needs {list(variable.shape)}",
            )
        try:
            check_values(name, arrays[name])
        except ValueError as error:
            raise bad_bundle(f"{source}: {error}") from error
        variable.assign(arrays[name])
    _finalise(model)


def _variables(model: keras.Model) -> list[Any]:
    return [variable for variable in model.variables if "seed_generator" not in variable.path]


def _finalise(model: keras.Model) -> None:
    """Let normalisation layers take up the mean and variance that were set."""
    for layer in model.layers:
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()
