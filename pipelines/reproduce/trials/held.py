"""Features of a small set, kept in memory, so that short epochs do not wait for the disk."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pipelines.training.systems.feature_store import FeatureStore

Floats = NDArray[np.float32]


class HeldFeatures:
    """The first `limit_s` of every wanted track: see pipelines.training.systems.gather.Features."""

    def __init__(self, store: FeatureStore, wanted: Collection[str], *, limit_s: float) -> None:
        rows = round(limit_s / store.step_s)
        self._groups = [
            {name: values[:rows].copy() for name, values in store.read(group, wanted).items()}
            for group in range(len(store.groups))
        ]
        self.groups: Sequence[Sequence[str]] = [tuple(group) for group in self._groups]
        self.step_s = store.step_s
        self.row_shape = store.row_shape
        self.runs = store.runs

    def read(self, group: int, wanted: Collection[str]) -> Mapping[str, Floats]:
        """Rows [n, *row_shape] float32 of the wanted tracks of a group, by id."""
        return {name: values for name, values in self._groups[group].items() if name in wanted}
