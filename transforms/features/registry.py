"""The registry of front ends: name -> version and stream, and the features of a whole track."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from schemas.errors import bad_bundle
from transforms.features import crnn_logmel, mel_steps, spectrum, window_image


class FrontEndStream(Protocol):
    """One track on its way through a front end."""

    def push(self, power: NDArray[np.float32]) -> None:
        """Take the next frames of the power spectrum: [m, 257] float32."""

    def finish(self, total_samples: int) -> NDArray[Any]:
        """Features of the whole track."""


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """A named, versioned way from 16 kHz samples to features; new numbers need a new version."""

    name: str
    version: int
    start: Callable[[], FrontEndStream]

    @property
    def key(self) -> str:
        """How a bundle names it: name@version."""
        return f"{self.name}@{self.version}"


FRONT_ENDS: Mapping[str, FrontEnd] = {
    front_end.name: front_end
    for front_end in (
        FrontEnd(crnn_logmel.NAME, crnn_logmel.VERSION, crnn_logmel.CrnnLogMelStream),
        FrontEnd(window_image.NAME, window_image.VERSION, window_image.WindowImageStream),
        FrontEnd(mel_steps.NAME, mel_steps.VERSION, mel_steps.MelStepsStream),
    )
}


def resolve(keys: Iterable[str]) -> list[FrontEnd]:
    """Front ends by their keys (name@version); DataError(bad_bundle) for one that is not here."""
    found = []
    for key in keys:
        front_end = FRONT_ENDS.get(key.partition("@")[0])
        if front_end is None or front_end.key != key:
            here = ", ".join(known.key for known in FRONT_ENDS.values())
            raise bad_bundle(f"front end {key} is not here; there are {here}")
        found.append(front_end)
    return found


def extract(
    blocks: Iterable[NDArray[np.float32]], front_ends: Iterable[FrontEnd], *, total_samples: Callable[[], int]
) -> dict[str, NDArray[Any]]:
    """Features of one track by front end key, from blocks of 16 kHz samples, in one pass.

    The power spectrum is computed once for all; `total_samples` is asked when the blocks have ended.
    """
    streams = {front_end.key: front_end.start() for front_end in front_ends}
    for power in spectrum.stream_power(blocks):
        for stream in streams.values():
            stream.push(power)
    return {key: stream.finish(total_samples()) for key, stream in streams.items()}
