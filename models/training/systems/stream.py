"""Batches of random cuts, streamed from stored features row group by row group.

What an epoch gives depends on its number and the seed alone, so that a training that goes on after a kill
sees what it would have seen.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from models.training.systems.framing import Cut, Framing, cut_count, random_cuts, stack

Floats = NDArray[np.float32]
# Tracks that are mixed at once: as many as a row group of the table `features` has.
_POOL_TRACKS = 256
_AHEAD = 2


class StoredFeatures(Protocol):
    """Features of tracks by row group."""

    @property
    def groups(self) -> Sequence[Sequence[str]]:
        """Ids of the tracks of each row group."""

    @property
    def step_s(self) -> float:
        """Seconds from one row to the next."""

    def read(self, group: int, wanted: Collection[str]) -> Mapping[str, Floats]:
        """Rows [n, ...] float32 of the wanted tracks of a group, by id."""


@dataclass(frozen=True)
class Stream:
    """Tracks with their targets: batches to learn from, or one track after the other.

    `lengths` are rows by track id, of every track that has a target.
    """

    features: StoredFeatures
    targets: Mapping[str, Floats]
    lengths: Mapping[str, int]
    framing: Framing
    seed: int
    batch: int

    def steps(self) -> int:
        """Batches in an epoch; what is left over is left out, but for a set smaller than a batch."""
        cuts = sum(cut_count(length, self.framing) for length in self.lengths.values())
        return max(1, cuts // self.batch)

    def epoch(self, number: int) -> Any:
        """Batches of an epoch as tensors, ((values, extent), (targets,)), read ahead by tf.data."""
        import tensorflow as tf

        spec = tf.nest.map_structure(
            lambda array: tf.TensorSpec([None] * array.ndim, array.dtype), next(self.batches(number))
        )
        data = tf.data.Dataset.from_generator(lambda: self.batches(number), output_signature=spec)
        return data.prefetch(_AHEAD)

    def batches(self, number: int) -> Iterator[Any]:
        """Batches of an epoch as arrays, ((values, extent), (targets,))."""
        rng = np.random.default_rng([self.seed, number])
        held: list[Cut] = []
        left = self.steps()
        for pool in self._pools(rng):
            cuts = [cut for name, values in pool for cut in self._cuts(name, values, number)]
            held += [cuts[place] for place in rng.permutation(len(cuts))]
            while left and (len(held) >= self.batch or self._is_small):
                values, extent, targets = stack(held[: self.batch], self.framing, rng)
                del held[: self.batch]
                left -= 1
                yield (values, extent), (targets,)

    def tracks(self) -> Iterator[tuple[str, Floats, Floats]]:
        """Every track once, in the order of the files: id, rows [n, ...], target."""
        for group in self._groups:
            for name, values in self.features.read(group, self.targets.keys()).items():
                yield name, values, self.targets[name]

    @cached_property
    def _groups(self) -> list[int]:
        """Row groups with any of the tracks."""
        return [k for k, names in enumerate(self.features.groups) if any(n in self.targets for n in names)]

    @cached_property
    def _is_small(self) -> bool:
        return sum(cut_count(length, self.framing) for length in self.lengths.values()) < self.batch

    def _pools(self, rng: np.random.Generator) -> Iterator[list[tuple[str, Floats]]]:
        pool: list[tuple[str, Floats]] = []
        for place in rng.permutation(len(self._groups)):
            pool += self.features.read(self._groups[place], self.targets.keys()).items()
            if len(pool) >= _POOL_TRACKS:
                yield pool
                pool = []
        if pool:
            yield pool

    def _cuts(self, name: str, values: Floats, number: int) -> list[Cut]:
        rng = np.random.default_rng([self.seed, number, zlib.crc32(name.encode())])
        return random_cuts(values, self.targets[name], self.framing, rng)
