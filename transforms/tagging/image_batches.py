"""Batches of images across tracks: those of several tracks fill each batch of a net, rows come back by track.

    add(track) -> its images wait -> a full batch goes through the net -> tracks whose rows are complete

A net fills its last batch up and sees each image by itself, so that a track's rows do not depend on what it
shares a batch with. Front ends with the same net share its batches.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from transforms.features.front_end import Net
from transforms.tagging.batcher import unseen
from transforms.tagging.features import Features, Pictures, Rows

Key = TypeVar("Key")


@dataclass(slots=True, eq=False)
class _Pending(Generic[Key]):
    """A track on its way: `left` images wait, and more may come until it is `drawn`."""

    key: Key
    features: Features
    values: defaultdict[str, list[NDArray[np.float32]]] = field(default_factory=lambda: defaultdict(list))
    left: int = 0
    drawn: bool = False

    def rows(self) -> dict[str, Rows]:
        return {
            name: Rows(np.stack(self.values[name]), some.layout, some.rate_hz, some.total_samples)
            if isinstance(some, Pictures)
            else some
            for name, some in self.features.items()
        }


@dataclass(slots=True)
class _Waiting(Generic[Key]):
    """An image [side, side, 3] of a track's front end that waits for its batch."""

    track: _Pending[Key]
    name: str
    image: NDArray[np.uint8]


class ImageBatcher(Generic[Key]):
    """Sends images of many tracks through their nets in full batches; memory is bounded by a batch of each
    net, the features of the tracks in it, and a block of images of one track. `on_batch` is told how many
    images each batch has."""

    def __init__(self, *, on_batch: Callable[[int], None] = unseen) -> None:
        self._on_batch = on_batch
        self._waiting: defaultdict[Net, list[_Waiting[Key]]] = defaultdict(list)

    def add(self, key: Key, features: Features) -> Iterator[tuple[Key, Mapping[str, Rows]]]:
        """Take a track's features; yield the tracks whose rows are complete now, this one among them if
        nothing of it waits."""
        track = _Pending(key, features)
        for name, some in features.items():
            if isinstance(some, Pictures):
                for image in chain.from_iterable(some.blocks):
                    yield from self._wait(some.net, _Waiting(track, name, image))
        track.drawn = True
        if not track.left:
            yield key, track.rows()

    def flush(self) -> Iterator[tuple[Key, Mapping[str, Rows]]]:
        """Send what waits; yield the tracks left."""
        for net, waiting in self._waiting.items():
            if waiting:
                yield from self._run(net, waiting)

    def _wait(self, net: Net, one: _Waiting[Key]) -> Iterator[tuple[Key, Mapping[str, Rows]]]:
        one.track.left += 1
        waiting = self._waiting[net]
        waiting.append(one)
        if len(waiting) == net.batch:
            yield from self._run(net, waiting)

    def _run(self, net: Net, waiting: list[_Waiting[Key]]) -> Iterator[tuple[Key, Mapping[str, Rows]]]:
        here = waiting.copy()
        waiting.clear()
        self._on_batch(len(here))
        for one, values in zip(here, net.features(np.stack([one.image for one in here])), strict=True):
            one.track.values[one.name].append(values)
            one.track.left -= 1
            if one.track.drawn and not one.track.left:
                yield one.track.key, one.track.rows()
