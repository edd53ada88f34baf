"""Patches of VGGish as its users compute them: the published formula in NumPy, double precision."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 16_000


def mel_weights() -> NDArray[np.float64]:
    """Weights of the 64 bands, one after the other from the slopes of each triangle: [257, 64]."""
    mel = 1127.0 * np.log(1.0 + np.linspace(0.0, 8000.0, 257) / 700.0)
    lowest, highest = (1127.0 * np.log(1.0 + hz / 700.0) for hz in (125.0, 7500.0))
    corners = np.linspace(lowest, highest, 66)
    weights = np.zeros((257, 64))
    for band in range(64):
        weights[:, band] = np.interp(mel, corners[band : band + 3], [0.0, 1.0, 0.0])
    weights[0] = 0.0
    return weights


def log_mel(samples: NDArray[np.float32], *, offset: float) -> NDArray[np.float64]:
    """ln(mel + offset) of every whole frame: [(n - 400) // 160 + 1, 64]."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi / 400 * np.arange(400))
    frames = np.lib.stride_tricks.sliding_window_view(samples, 400)[::160] * window
    mel: NDArray[np.float64] = np.abs(np.fft.rfft(frames, 512)) @ mel_weights()
    return np.log(mel + offset)


def reference(samples: NDArray[np.float32], *, rate_hz: int) -> NDArray[np.float64]:
    """Patches [k, 96, 64] of .96 s side by side, whole ones only."""
    assert rate_hz == RATE_HZ
    levels = log_mel(samples, offset=0.01)
    count = len(levels) // 96
    return levels[: count * 96].reshape(count, 96, 64)
