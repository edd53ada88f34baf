"""Rows of a long track on the disk, read where they are asked for: a worker's memory is for models."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.errors import Stage
from transforms.temporary_files import disk_faults, unnamed_file

Prepare = Callable[[NDArray[np.float32]], NDArray[np.float32]]


class Spool:
    """Blocks of float32 rows, one after another in a file that has no name; it ends with this object.

    DataError(storage) where the disk takes no file, or no more of it.
    """

    def __init__(self) -> None:
        with disk_faults(Stage.FEATURES):
            self._file = unnamed_file()

    def write(self, blocks: Sequence[NDArray[np.float32]]) -> None:
        """Put blocks behind those that are there."""
        with disk_faults(Stage.FEATURES):
            for block in blocks:
                left = block.reshape(-1).view(np.uint8).data
                while left:
                    left = left[self._file.write(left) :]

    def read(self, first: int, count: int) -> NDArray[np.float32]:
        """So many values from one on: [count]."""
        values = np.empty(count, np.float32)
        view, done = values.view(np.uint8).data, 0
        while done < len(view):
            done += os.preadv(self._file.fileno(), [view[done:]], 4 * first + done)
        return values


class SpooledRows:
    """Rows [n, *row] of a spool for those who take stretches of them, each prepared when it is read; so much
    of an array as windows need."""

    def __init__(self, spool: Spool, shape: tuple[int, ...], prepare: Prepare) -> None:
        self.shape, self.dtype, self.ndim = shape, np.dtype(np.float32), len(shape)
        self._spool = spool
        self._prepare = prepare
        self._row_values = int(np.prod(shape[1:]))

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self[:] if dtype is None else self[:].astype(dtype)

    def __getitem__(self, places: slice) -> NDArray[np.float32]:
        begin, end, _ = places.indices(len(self))
        count = max(0, end - begin)
        values = self._spool.read(begin * self._row_values, count * self._row_values)
        return self._prepare(values.reshape(count, *self.shape[1:]))
