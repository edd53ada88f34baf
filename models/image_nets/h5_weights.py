"""Weights of a net from a Keras HDF5 file, as plain arrays: nothing of the file is ever run.

layer_names      attribute of the file (or of its group model_weights, in a saved model): layers in order
  <layer>        group; its attribute weight_names: arrays in order
    <array>      dataset of floats

As Keras itself does, the layers that have weights are matched in order, whatever they are called. A file
without a net's last layers ("notop") will do for a layer before them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from schemas.errors import DataError, FailureKind, Stage

if TYPE_CHECKING:
    import h5py

# Layers in order, each with the names and shapes of its arrays.
Plan = list[tuple[str, list[tuple[str, tuple[int, ...]]]]]


def read_weights(path: Path, plan: Plan, *, net: str) -> dict[str, NDArray[np.float32]]:
    """Arrays of the net's layers by name, for as many layers as the file has.

    Raises DataError(not_found) without the file, DataError(bad_input) for one that is no HDF5, is cut short,
    is of another net or has a value that is not finite, with what does not fit.
    """
    import h5py

    if not path.is_file():
        raise DataError(FailureKind.NOT_FOUND, Stage.BUNDLE, f"{path}: no such file of weights")
    try:
        with h5py.File(path, "r") as file:
            return _read(file, plan)
    except _MisfitError as misfit:
        raise _refused(f"{path} does not fit {net}: {misfit}") from None
    except (OSError, RuntimeError) as error:  # what HDF5 raises for broken content
        raise _refused(f"{path} is no HDF5 file, or is cut short: {error}") from error


class _MisfitError(Exception):
    """Something in a file that is not as the net needs it."""


def _refused(message: str) -> DataError:
    return DataError(FailureKind.BAD_INPUT, Stage.BUNDLE, message)


def _read(file: h5py.File, plan: Plan) -> dict[str, NDArray[np.float32]]:
    root = file
    if "layer_names" not in file.attrs and "model_weights" in file:
        root = _item(file, "model_weights")
    layers = [(name, group, names) for name, group, names in _layers(root) if names]
    if len(layers) > len(plan):
        raise _MisfitError(f"it has {len(layers)} layers with weights, the net {len(plan)}")
    arrays: dict[str, NDArray[np.float32]] = {}
    for (layer, wanted), (name, group, names) in zip(plan, layers, strict=False):
        if len(wanted) != len(names):
            raise _MisfitError(f"its layer {name} has {len(names)} arrays, the net's {layer} {len(wanted)}")
        for (key, shape), array in zip(wanted, names, strict=True):
            arrays[key] = _array(group, array, shape, where=f"{name}/{array} (the net's {key})")
    return arrays


def _layers(root: Any) -> Iterator[tuple[str, Any, list[str]]]:
    names = _names(root, "layer_names")
    if not names:
        raise _MisfitError("it names no layers, so it is no file of weights in Keras's HDF5 layout")
    for name in names:
        group = _item(root, name)
        yield name, group, _names(group, "weight_names")


def _names(group: Any, attribute: str) -> list[str]:
    """A list of names; Keras cuts a long one into attributes with numbers."""
    parts = [attribute] if attribute in group.attrs else []
    while not parts or parts[0] != attribute:
        if f"{attribute}{len(parts)}" not in group.attrs:
            break
        parts.append(f"{attribute}{len(parts)}")
    values = [value for part in parts for value in np.atleast_1d(group.attrs[part])]
    return [value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for value in values]


def _item(group: Any, name: str) -> Any:
    """What lies under a name, in this very file: no link leads out of it."""
    import h5py

    for part in name.split("/"):
        if not isinstance(group, h5py.Group) or not isinstance(group.get(part, getlink=True), h5py.HardLink):
            raise _MisfitError(f"{name} is not there")
        group = group[part]
    return group


def _array(group: Any, name: str, shape: tuple[int, ...], *, where: str) -> NDArray[np.float32]:
    import h5py

    data = _item(group, name)
    if not isinstance(data, h5py.Dataset) or data.external or data.is_virtual or data.dtype.kind != "f":
        raise _MisfitError(f"{where} is no array of floats")
    if data.shape != shape:
        raise _MisfitError(f"{where} is {list(data.shape)}, the net needs {list(shape)}")
    values: NDArray[np.float32] = data[()].astype(np.float32, copy=False)
    if not np.isfinite(values).all():
        raise _MisfitError(f"{where} has a value that is not finite")
    return values
