"""Composed sounds for tests: the same on any machine."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


def music(seconds: float, *, rate_hz: int = 16_000, seed: int = 7) -> NDArray[np.float32]:
    """Noise and five tones that swell at different rates: [n] float32."""
    return _music(seconds, rate_hz, seed).copy()


@lru_cache(maxsize=16)
def _music(seconds: float, rate_hz: int, seed: int) -> NDArray[np.float32]:
    count = round(seconds * rate_hz)
    time = np.arange(count) / rate_hz
    samples = 0.04 * (np.random.default_rng(seed).random(count) - 0.5)
    for index, (hz, level) in enumerate(((110, 0.2), (440, 0.15), (1234.5, 0.1), (3520, 0.05), (7000, 0.02))):
        swell = 1 + 0.5 * np.sin(2 * np.pi * (0.3 + 0.2 * index) * time)
        samples += level * swell * np.sin(2 * np.pi * hz * time)
    return samples.astype(np.float32)


def clicks(seconds: float, *, every_s: float, rate_hz: int = 16_000) -> NDArray[np.float32]:
    """Short decaying bursts of noise, one every `every_s`, on a silent ground: [n] float32."""
    samples = np.zeros(round(seconds * rate_hz), np.float32)
    length = round(0.02 * rate_hz)
    burst = np.random.default_rng(3).uniform(-0.5, 0.5, length) * np.exp(
        -np.arange(length) / (0.004 * rate_hz)
    )
    for start in np.arange(0.0, seconds, every_s):
        first = round(start * rate_hz)
        samples[first : first + length] += burst[: len(samples) - first].astype(np.float32)
    return samples
