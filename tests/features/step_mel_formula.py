"""Rows of `step-mel` by the published formula of their bands, in NumPy and double precision."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tests.references.vggish import mel_weights

RATE_HZ = 16_000


def mel_magnitudes(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """Bands of frames of 400 samples every 250, the first from 75 before the track on: [32 * steps, 64]."""
    frames = 32 * (len(samples) // 8000)
    if not frames:
        return np.zeros((0, 64))
    filled = np.concatenate([np.zeros(75), samples, np.zeros(75)])
    window = 0.5 - 0.5 * np.cos(2 * np.pi / 400 * np.arange(400))
    cut = np.lib.stride_tricks.sliding_window_view(filled, 400)[::250][:frames]
    magnitudes: NDArray[np.float64] = np.abs(np.fft.rfft(cut * window, 512)) @ mel_weights()
    return magnitudes


def reference(samples: NDArray[np.float32], *, rate_hz: int) -> NDArray[np.float64]:
    """Rows [steps, 32, 64]: ln(gain * mel + .001), the gain such that the bands' root mean square is 5."""
    assert rate_hz == RATE_HZ
    mel = mel_magnitudes(samples)
    rms = np.sqrt(np.mean(mel**2)) if mel.size else 0.0
    levels: NDArray[np.float64] = np.log(5.0 / max(rms, 0.005) * mel + 0.001)
    return levels.reshape(-1, 32, 64)
