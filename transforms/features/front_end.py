"""What a front end is: a named, versioned way from mono samples to rows of values on a stated clock."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

S = TypeVar("S")


class Extractor(Protocol):
    """A front end ready to work: its settings are chosen, its weights are loaded."""

    def __call__(self, samples: NDArray[np.float32], *, rate_hz: int) -> NDArray[Any]:
        """Samples [n] float32 -> [rows, *shape of a row], float32 or uint8.

        Raises DataError(bad_input, too_short) that names the value.
        """


class Draw(Protocol):
    """Draws the pictures of a track."""

    def __call__(self, samples: NDArray[np.float32], *, rate_hz: int) -> Iterator[NDArray[np.uint8]]:
        """Samples [n] float32 -> blocks of images [some, side, side, 3], each drawn when it is asked for.

        Raises DataError(bad_input, too_short) that names the value, at once and not with a block.
        """


class Net(Protocol):
    """Sees each image by itself, whatever stands beside it: see models.image_nets.nets.ImageNet."""

    @property
    def batch(self) -> int:
        """Images of one run, to which fewer are filled up."""

    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Images [n, side, side, 3] -> rows [n, values]."""


@dataclass(frozen=True, slots=True)
class ImageExtractor:
    """An extractor of two steps, so that images of several tracks can share the batches of its net."""

    draw: Draw
    net: Net

    def __call__(self, samples: NDArray[np.float32], *, rate_hz: int) -> NDArray[np.float32]:
        """See Extractor: one track by itself."""
        blocks = self.draw(samples, rate_hz=rate_hz)
        return np.concatenate([self.net.features(images) for images in blocks])


@dataclass(frozen=True)
class Layout:
    """What the rows are: row k describes the time from start_s + k * step_s on.

    `names` are those of the values of one row, in C order where a row has a `shape` of more than one axis.
    """

    names: tuple[str, ...]
    step_s: float
    start_s: float = 0.0
    shape: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.shape and math.prod(self.shape) != len(self.names):
            raise ValueError(f"{len(self.names)} names for rows of {list(self.shape)}")

    @cached_property
    def row_shape(self) -> tuple[int, ...]:
        """Shape of one row."""
        return self.shape or (len(self.names),)


@dataclass(frozen=True, slots=True)
class FrontEnd(Generic[S]):
    """A front end with its presets; new numbers need a new version.

    `rate_hz` is the rate of the samples that it takes, None for the file's own. The first of `presets` is the
    default. `start` may load weights; what it returns is a pure function. `needs` says what it takes besides
    samples, such as weights by their hash or a library by its version, and stands in a run's record with the
    settings, in place of those of the same name; it raises DataError where something is not here.
    `terms` are those of others that its users have to be told.
    """

    name: str
    version: int
    about: str
    rate_hz: int | None
    presets: Mapping[str, S]
    layout: Callable[[S], Layout]
    start: Callable[[S], Extractor]
    needs: Callable[[S], Mapping[str, str]] = lambda _: {}
    terms: str = ""

    @property
    def key(self) -> str:
        """How a bundle names it: name@version."""
        return f"{self.name}@{self.version}"
