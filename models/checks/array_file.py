"""Arrays in a safetensors file, its header checked against the file and the net before any array is made.

    8 bytes: length n | n bytes: JSON {"NAME": {"dtype", "shape", "data_offsets"}} | the arrays, back to back

Nothing of such a file executes. Looked at as if it meant harm: the header may be of any length, shapes may
multiply to more than there is memory, ranges may overlap, leave gaps or end outside the file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.checks.files import HEAD_BYTES
from models.checks.strict_json import parse_json, shown

_PREFIX = 8
MAX_HEADER_BYTES = HEAD_BYTES - _PREFIX
_MOST_ARRAYS = 4096
_MOST_AXES = 8
# Counts of normalisation layers are single whole numbers; nothing computes with them.
_COUNT = "I64"
_TYPES: dict[str, np.dtype[Any]] = {"F32": np.dtype("<f4"), "F16": np.dtype("<f2"), _COUNT: np.dtype("<i8")}
# Its square is still finite in single precision.
_LARGEST = 1e18


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file an array lies, from the file's first byte on."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    begin: int
    end: int


def read_header(head: bytes, size: int) -> dict[str, Place]:
    """Places of the arrays by name, from the first bytes of a file of `size` bytes: all of the header.

    Raises ValueError with the value for a header that is not whole or does not account for every byte once.
    """
    length = int.from_bytes(head[:_PREFIX], "little")
    if len(head) < _PREFIX or not 2 <= length <= size - _PREFIX:
        raise ValueError(f"not safetensors: a header of {length} bytes in a file of {size}")
    if length > MAX_HEADER_BYTES:
        raise ValueError(f"not safetensors: a header of {length} bytes, more than {MAX_HEADER_BYTES}")
    try:
        fields = parse_json(head[_PREFIX : _PREFIX + length])
    except ValueError as error:
        raise ValueError(f"not safetensors: header: {error}") from error
    if not isinstance(fields, dict) or len(fields) > _MOST_ARRAYS:
        raise ValueError(f"not safetensors: the header is no object of at most {_MOST_ARRAYS} arrays")
    fields.pop("__metadata__", None)
    places = {name: _place(name, entry, _PREFIX + length) for name, entry in fields.items()}
    _check_order(places, begin=_PREFIX + length, size=size)
    return places


def check_shapes(places: Mapping[str, Place], shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raise ValueError that names the array for one that is missing, left over or of another shape."""
    for name in sorted(set(places) ^ set(shapes)):
        state = "missing" if name in shapes else "not of this architecture"
        raise ValueError(f"array {shown(name)} is {state}")
    for name, place in places.items():
        if place.shape != shapes[name]:
            raise ValueError(
                f"array {name!r} is {list(place.shape)}, the architecture needs {list(shapes[name])}"
            )


def arrays_in(data: bytes, places: Mapping[str, Place]) -> dict[str, NDArray[Any]]:
    """The arrays of a file by name, read only; ValueError that names one with values of no use."""
    arrays = {
        name: np.frombuffer(data, place.dtype, math.prod(place.shape), place.begin).reshape(place.shape)
        for name, place in places.items()
    }
    for name, array in arrays.items():
        check_values(name, array)
    return arrays


def check_values(name: str, array: NDArray[Any]) -> None:
    """Raise ValueError for an array that would make everything it touches NaN or infinite."""
    if not np.isfinite(array).all():
        raise ValueError(f"array {name!r} has a value that is not finite")
    least, most = (float(array.min()), float(array.max())) if array.size else (0.0, 0.0)
    if max(-least, most) > _LARGEST:
        raise ValueError(f"array {name!r} has the value {max(least, most, key=abs):g}, beyond {_LARGEST:g}")
    if name.endswith("variance") and least < 0.0:
        raise ValueError(f"array {name!r} has the value {least:g}: there is no variance below zero")


def _place(name: str, entry: Any, begin: int) -> Place:
    what = f"array {shown(name)}"
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"not safetensors: {what} is {shown(entry)}")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _TYPES or (dtype == _COUNT and shape != []):
        raise ValueError(f"{what}: arrays of type {shown(dtype)} cannot be read")
    if not _are_sizes(shape, least=1) or len(shape) > _MOST_AXES:
        raise ValueError(f"not safetensors: {what} has the shape {shown(shape)}")
    if not _are_sizes(offsets, least=0) or len(offsets) != 2:
        raise ValueError(f"not safetensors: {what} has the offsets {shown(offsets)}")
    # Whole numbers of Python do not overflow.
    needed = math.prod(shape) * _TYPES[dtype].itemsize
    if offsets[1] - offsets[0] != needed:
        raise ValueError(f"not safetensors: {what} of {shape} needs {needed} bytes, has {offsets}")
    return Place(_TYPES[dtype], tuple(shape), begin + offsets[0], begin + offsets[1])


def _are_sizes(values: Any, *, least: int) -> bool:
    return isinstance(values, list) and all(type(value) is int and value >= least for value in values)


def _check_order(places: Mapping[str, Place], *, begin: int, size: int) -> None:
    """Every byte of the data belongs to one array."""
    for name, place in sorted(places.items(), key=lambda item: item[1].begin):
        if place.begin != begin:
            raise ValueError(f"not safetensors: array {shown(name)} begins at {place.begin}, not {begin}")
        begin = place.end
    if begin != size:
        raise ValueError(f"not safetensors: the arrays end at {begin}, the file at {size}")
