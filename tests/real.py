"""Real audio for parity tests, where the data sets are there; tests that use it skip where they are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray


def real_clips(shared_data: Path, count: int, *, rate_hz: int) -> list[NDArray[np.float32]]:
    """The first clips of moods4q, spread over the set, mono at a rate: each [n] float32."""
    files = sorted((shared_data / "moods4q" / "audio").rglob("*.opus"))
    chosen = files[:: max(1, len(files) // count)][:count]
    return [_read(file, rate_hz) for file in chosen]


def _read(file: Path, rate_hz: int) -> NDArray[np.float32]:
    samples, rate = soundfile.read(file, dtype="float32", always_2d=True)
    mono: NDArray[np.float32] = samples.mean(axis=1)
    resampled: NDArray[np.float32] = mono if rate == rate_hz else soxr.resample(mono, rate, rate_hz)
    return resampled
