"""The front ends that bundles run: a whole track in one pass over its blocks, what they share computed once.

16 kHz blocks -> power -> mel level (64)  -> crnn-logmel, mel-steps
                       -> mel power (128) -> window-image
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from schemas.errors import bad_bundle
from transforms.features.front_end import FrontEnd
from transforms.features.images import window_image
from transforms.features.mel import crnn_logmel, mel_steps, spectrum

Prepare = Callable[[NDArray[np.float32]], NDArray[np.float32]]


class TrackStream(Protocol):
    """One track on its way through a front end."""

    def push(self, prepared: NDArray[np.float32]) -> None:
        """Take the next frames of what the front end's `prepare` gives: [m, bands] float32."""

    def finish(self, total_samples: int) -> NDArray[Any]:
        """Features of the whole track."""


@dataclass(frozen=True, slots=True)
class Streamed:
    """A front end that takes a track in blocks: power -> `prepare`, shared by name -> a stream."""

    front_end: FrontEnd[None]
    prepare: Prepare
    start: Callable[[], TrackStream]

    @property
    def key(self) -> str:
        """name@version."""
        return self.front_end.key


STREAMED: Mapping[str, Streamed] = {
    streamed.key: streamed
    for streamed in (
        Streamed(crnn_logmel.FRONT_END, crnn_logmel.mel_level, crnn_logmel.CrnnLogMelStream),
        Streamed(window_image.FRONT_END, window_image.mel_power, window_image.WindowImageStream),
        Streamed(mel_steps.FRONT_END, crnn_logmel.mel_level, mel_steps.MelStepsStream),
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
    for power in spectrum.stream_power(blocks):
        shared: dict[Prepare, NDArray[np.float32]] = {}
        for front_end, stream in streams:
            if front_end.prepare not in shared:
                shared[front_end.prepare] = front_end.prepare(power)
            stream.push(shared[front_end.prepare])
    return {front_end.key: stream.finish(total_samples()) for front_end, stream in streams}
