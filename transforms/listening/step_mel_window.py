"""Live rows of `step-mel`: at the level of all that was heard so far, not of the whole track.

The last frame of a half second reaches 5 ms beyond its end: it is waited for.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from transforms.features.mel.magnitudes import BANDS, RATE_HZ, WINDOW_SAMPLES, MelMagnitudes
from transforms.features.mel.step_mel import (
    HOP_SAMPLES,
    LEAD_SAMPLES,
    STEP_FRAMES,
    STEP_SAMPLES,
    from_level,
    power,
)

_NEEDED = (STEP_FRAMES - 1) * HOP_SAMPLES + WINDOW_SAMPLES


class StepMelWindow:
    """The newest rows of `step-mel`; see LiveWindow. A `level` that is given, the root mean square of the
    bands, holds throughout."""

    def __init__(self, rows: int, *, level: float | None = None) -> None:
        self._rows = rows
        self._given = level
        self._power, self._values = 0.0, 0
        self._magnitudes = MelMagnitudes(HOP_SAMPLES)
        # Samples from where the first frame of the next step begins; bands of the steps that are kept.
        self._samples = np.zeros(LEAD_SAMPLES, np.float32)
        self._mel = np.zeros((0, STEP_FRAMES, BANDS), np.float32)

    @property
    def rate_hz(self) -> int:
        """16 kHz."""
        return RATE_HZ

    def push(self, samples: NDArray[np.float32]) -> None:
        """See LiveWindow."""
        self._samples = np.concatenate([self._samples, samples])

    @property
    def ready(self) -> bool:
        """See LiveWindow."""
        return len(self._samples) >= _NEEDED

    def advance(self) -> NDArray[np.float32]:
        """Rows [at most as many as were asked for, 32, 64]; see LiveWindow."""
        mel = np.empty((STEP_FRAMES, BANDS), np.float32)
        self._magnitudes.hold(self._samples)
        self._magnitudes.fill(mel)
        self._samples = self._samples[STEP_SAMPLES:]
        self._power += power(mel)
        self._values += mel.size
        self._mel = np.concatenate([self._mel, mel[None]])[-self._rows :]
        return from_level(self._mel, level=self._level)

    @property
    def _level(self) -> float:
        return float(np.sqrt(self._power / self._values)) if self._given is None else self._given
