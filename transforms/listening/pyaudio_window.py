"""Live rows of `pyaudio-68`: scaled by the mean and the peak that were heard so far.

pyAudioAnalysis removes the mean of the whole signal and scales by its peak. Live these are not known: the
rows differ from the batch job's until the loudest moment has passed. On 30 clips of 4Q (30 s) the gain was
too high by 20 dB after the first half second, 1.2 dB after 5 s, .6 dB after 10 s and not from 20 s on
(medians). That moves the energy, the first MFCC and their deltas; the other values hardly change with the
level.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from schemas.clock import to_samples
from transforms.features.descriptors.pyaudio_68 import (
    RATE_HZ,
    Level,
    PyAudioSettings,
    level_about,
    pyaudio_68,
)

STEP_SAMPLES = RATE_HZ // 2
_ROW_SAMPLES = to_samples(PyAudioSettings().step_s, rate_hz=RATE_HZ)
# The flux of a row looks at the row before, and its delta at the flux of that one.
_ROWS_BEFORE = 2


class PyAudioWindow:
    """The newest rows of `pyaudio-68`; see LiveWindow. A `level` that is given holds throughout."""

    def __init__(self, rows: int, *, full_scale: float = 1.0, level: Level | None = None) -> None:
        self._rows = rows
        self._settings = PyAudioSettings(full_scale=full_scale)
        self._level = level
        self._so_far = _LevelSoFar(full_scale)
        self._waiting = np.zeros(0, np.float32)
        self._kept = np.zeros(0, np.float32)

    @property
    def rate_hz(self) -> int:
        """44.1 kHz."""
        return RATE_HZ

    def push(self, samples: NDArray[np.float32]) -> None:
        """See LiveWindow."""
        self._waiting = np.concatenate([self._waiting, samples])

    @property
    def ready(self) -> bool:
        """See LiveWindow."""
        return len(self._waiting) >= STEP_SAMPLES

    def advance(self) -> NDArray[np.float32]:
        """Rows [at most as many as were asked for, 68]; see LiveWindow."""
        step, self._waiting = self._waiting[:STEP_SAMPLES], self._waiting[STEP_SAMPLES:]
        self._so_far.take(step)
        wanted = (self._rows + _ROWS_BEFORE) * _ROW_SAMPLES
        self._kept = np.concatenate([self._kept, step])[-wanted:]
        level = self._level or self._so_far.level
        rows = pyaudio_68(self._kept, rate_hz=RATE_HZ, settings=self._settings, level=level)
        return rows[-self._rows :]


class _LevelSoFar:
    """Mean and extremes of all samples so far."""

    def __init__(self, full_scale: float) -> None:
        self._full_scale = full_scale
        self._sum, self._count = np.float64(0.0), 0
        self._lowest, self._highest = np.float32(np.inf), np.float32(-np.inf)

    def take(self, samples: NDArray[np.float32]) -> None:
        """Count the next samples in."""
        self._sum += samples.sum(dtype=np.float64)
        self._count += len(samples)
        self._lowest = min(self._lowest, samples.min())
        self._highest = max(self._highest, samples.max())

    @property
    def level(self) -> Level:
        """Level of what was taken."""
        return level_about(
            self._sum / self._count, lowest=self._lowest, highest=self._highest, full_scale=self._full_scale
        )
