"""The front ends that bundles run: a whole track in one pass over its blocks, what they share computed once.

16 kHz blocks -> power -> mel level (64)  -> crnn-logmel, mel-steps
                       -> mel power (128) -> window-image
              -> the blocks themselves    -> step-mel

An analysis that no front end asks for is not run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from schemas.errors import bad_bundle
from transforms.features.front_end import FrontEnd
from transforms.features.images import window_image
from transforms.features.mel import crnn_logmel, mel_steps, spectrum, step_mel

Prepare = Callable[[NDArray[np.float32]], NDArray[np.float32]]


class Analysis(Protocol):
    """What several front ends take of a track's blocks, such as their spectrum."""

    def push(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take the next samples: [n] float32 -> what they complete, [m, ...] float32, m >= 0."""

    def finish(self) -> NDArray[np.float32]:
        """What is left at the track's end."""


class TrackStream(Protocol):
    """One track on its way through a front end."""

    def push(self, prepared: NDArray[np.float32]) -> None:
        """Take the next rows of what the front end's `prepare` gives: [m, ...] float32."""

    def finish(self, total_samples: int) -> NDArray[Any]:
        """Features of the whole track."""


class Blocks:
    """The blocks as they are."""

    def push(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Samples [n] -> the same."""
        return block

    def finish(self) -> NDArray[np.float32]:
        """Nothing is left."""
        return np.zeros(0, np.float32)


@dataclass(frozen=True, slots=True)
class Streamed:
    """A front end that takes a track in blocks: `analyse` -> `prepare` -> a stream; the first two are shared
    with those that name the same."""

    front_end: FrontEnd[None]
    analyse: Callable[[], Analysis]
    prepare: Prepare
    start: Callable[[], TrackStream]

    @property
    def key(self) -> str:
        """name@version."""
        return self.front_end.key


def _as_it_is(found: NDArray[np.float32]) -> NDArray[np.float32]:
    return found


_POWER = spectrum.PowerStream
STREAMED: Mapping[str, Streamed] = {
    streamed.key: streamed
    for streamed in (
        Streamed(crnn_logmel.FRONT_END, _POWER, crnn_logmel.mel_level, crnn_logmel.CrnnLogMelStream),
        Streamed(window_image.FRONT_END, _POWER, window_image.mel_power, window_image.WindowImageStream),
        Streamed(mel_steps.FRONT_END, _POWER, crnn_logmel.mel_level, mel_steps.MelStepsStream),
        Streamed(step_mel.FRONT_END, Blocks, _as_it_is, step_mel.StepMelStream),
    )
}


def resolve(keys: Iterable[str]) -> list[Streamed]:
    """Front ends by their keys (name@version); DataError(bad_bundle) for one that is not here."""
    found = []
    for key in keys:
        if key not in STREAMED:
            raise bad_bundle(f"front end {key} is not here; there are {', '.join(STREAMED)}")
        found.append(STREAMED[key])
    return found


def extract(
    blocks: Iterable[NDArray[np.float32]], front_ends: Iterable[Streamed], *, total_samples: Callable[[], int]
) -> dict[str, NDArray[Any]]:
    """Features of one track by front end key, from blocks of 16 kHz samples, in one pass.

    `total_samples` is asked when the blocks have ended.
    """
    streams = [(front_end, front_end.start()) for front_end in front_ends]
    shared = [
        _Shared(analyse(), [pair for pair in streams if pair[0].analyse is analyse])
        for analyse in dict.fromkeys(front_end.analyse for front_end, _ in streams)
    ]
    for block in blocks:
        for each in shared:
            each.pass_on(each.analysis.push(block))
    for each in shared:
        each.pass_on(each.analysis.finish())
    return {front_end.key: stream.finish(total_samples()) for front_end, stream in streams}


@dataclass(frozen=True, slots=True)
class _Shared:
    """An analysis of one track, and the streams that take it."""

    analysis: Analysis
    streams: Sequence[tuple[Streamed, TrackStream]]

    def pass_on(self, found: NDArray[np.float32]) -> None:
        """Prepare what the analysis found, once in each way, and give it to the streams."""
        if not len(found):
            return
        prepared: dict[Prepare, NDArray[np.float32]] = {}
        for front_end, stream in self.streams:
            if front_end.prepare not in prepared:
                prepared[front_end.prepare] = front_end.prepare(found)
            stream.push(prepared[front_end.prepare])
