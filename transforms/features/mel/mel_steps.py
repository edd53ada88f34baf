"""`mel-steps`: how loud, how uneven and how changing each mel band is in every half second.

The 2 Hz clock of Coutinho et al. (2015), on the bands of `crnn-logmel` against the track's maximum:
for each band the mean, the standard deviation and the mean rise from frame to frame over the frames
that are centred in the step. No value for a half second that the track does not fill.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from schemas.clock import step_count, to_seconds
from transforms.features.front_end import FrontEnd, Layout
from transforms.features.mel import crnn_logmel, spectrum

NAME, VERSION = "mel-steps", 1
STEP_SAMPLES = spectrum.RATE_HZ // 2
VALUES = 3 * crnn_logmel.BANDS


def mel_steps(samples: NDArray[np.float32], *, rate_hz: int = spectrum.RATE_HZ) -> NDArray[np.float32]:
    """Samples [n] float32 at 16 kHz -> [n // 8000, 192] float32: means, deviations, rises of 64 bands."""
    level = crnn_logmel.mel_level(spectrum.power_spectrum(samples, rate_hz=rate_hz))
    return steps_of(crnn_logmel.relative_db(level), total_samples=len(samples))


def steps_of(db: NDArray[np.float32], *, total_samples: int) -> NDArray[np.float32]:
    """Level [frames, 64] in dB against the track's maximum -> [total_samples // 8000, 192]."""
    steps = step_count(total_samples, step_samples=STEP_SAMPLES)
    if not steps:
        return np.zeros((0, VALUES), np.float32)
    # The first frame whose centre, j * hop + hop / 2, is not before the step's first sample.
    limits = -((spectrum.HOP_SAMPLES // 2 - np.arange(steps + 1) * STEP_SAMPLES) // spectrum.HOP_SAMPLES)
    scaled = (db[: limits[-1]] / np.float32(-crnn_logmel.FLOOR_DB) + np.float32(1.0)).astype(np.float64)
    rise = np.maximum(np.diff(scaled, axis=0, prepend=scaled[:1]), 0.0)
    frames = np.diff(limits)[:, None]
    mean = np.add.reduceat(scaled, limits[:-1], axis=0) / frames
    square = np.add.reduceat(scaled**2, limits[:-1], axis=0) / frames
    deviation = np.sqrt(np.maximum(square - mean**2, 0.0))
    change = np.add.reduceat(rise, limits[:-1], axis=0) / frames
    return np.concatenate([mean, deviation, change], axis=1).astype(np.float32)


@dataclass(slots=True)
class MelStepsStream:
    """Collects the levels of a track block by block; `finish` gives what `mel_steps` gives."""

    _levels: list[NDArray[np.float32]] = field(default_factory=list)

    def push(self, level: NDArray[np.float32]) -> None:
        """Take the next frames of `mel_level`: [m, 64]."""
        self._levels.append(level)

    def finish(self, total_samples: int) -> NDArray[np.float32]:
        """Values [steps, 192] of the whole track."""
        levels = np.concatenate(self._levels)[: spectrum.frame_count(total_samples)]
        return steps_of(crnn_logmel.relative_db(levels), total_samples=total_samples)


def _layout(_: None) -> Layout:
    names = (f"{what}_{band}" for what in ("mean", "stddev", "rise") for band in range(crnn_logmel.BANDS))
    return Layout(tuple(names), step_s=to_seconds(STEP_SAMPLES, rate_hz=spectrum.RATE_HZ))


FRONT_END: FrontEnd[None] = FrontEnd(
    name=NAME,
    version=VERSION,
    about="mean, deviation and rise of 64 mel bands in each half second (for dilated)",
    rate_hz=spectrum.RATE_HZ,
    presets={"default": None},
    layout=_layout,
    start=lambda _: mel_steps,
)
