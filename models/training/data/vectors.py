"""Ready-made features of a set, one vector a track, from an .npz file."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from models.training.data.form import Vectors
from models.training.data.tables import absent, bad_data


def load_vectors(path: Path, *, ids: str, values: str) -> Vectors:
    """The arrays of those names: ids [tracks] and finite values [tracks, n]; ids become text as they are."""
    if not path.is_file():
        raise absent(f"{path} does not exist")
    try:
        with np.load(path, allow_pickle=False) as file:
            for name in (ids, values):
                if name not in file.files:
                    raise bad_data(f"{path.name} has no array {name!r}; it has {', '.join(file.files)}")
            names, array = file[ids], file[values]
    except (ValueError, EOFError, OSError, AttributeError, zipfile.BadZipFile) as error:
        raise bad_data(f"{path.name} is not a readable .npz file: {error}") from None
    if array.ndim != 2 or names.shape != (len(array),) or array.dtype.kind != "f":
        raise bad_data(
            f"{path.name}: {values} {array.shape} {array.dtype} is no vector for each of {names.shape} ids"
        )
    if not np.isfinite(array).all():
        track = names[int(np.argmin(np.isfinite(array).all(axis=1)))]
        raise bad_data(f"{path.name}: the vector of {track} is not finite")
    return Vectors(values, tuple(map(str, names)), array)
