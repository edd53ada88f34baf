"""Power spectrum of a track's frames, any stretch of them: librosa's default frames.

Frame k is centred on sample k * 512 and covers 2,048 samples under a periodic Hann window, with zeros
beyond the track's ends: a track of n samples has 1 + n // 512 frames.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import rfft

from transforms.features.windows import hann

RATE_HZ = 22_050
FFT_SAMPLES = 2048
HOP_SAMPLES = 512
BINS = FFT_SAMPLES // 2 + 1

_WINDOW = hann(FFT_SAMPLES)
# Frames of one call: their samples stay in the cache.
_BLOCK = 32


def frame_count(total_samples: int) -> int:
    """Frames of a track of so many samples."""
    return 1 + total_samples // HOP_SAMPLES


def power_spectrum(samples: NDArray[np.float32], *, first: int, end: int) -> NDArray[np.float32]:
    """Power of frames first to end: samples [n] float32 of the whole track -> [end - first, 1025] float32.

    The transform is in double precision: in single, its noise decides the masks of near-silent bins.
    """
    start = first * HOP_SAMPLES - FFT_SAMPLES // 2
    stop = (end - 1) * HOP_SAMPLES + FFT_SAMPLES // 2
    inside = samples[max(start, 0) : stop]
    padded = np.pad(inside, (max(-start, 0), max(stop - len(samples), 0)))
    rows = np.lib.stride_tricks.sliding_window_view(padded, FFT_SAMPLES)[::HOP_SAMPLES]
    power = np.empty((end - first, BINS), np.float32)
    for block in range(0, len(rows), _BLOCK):
        spectrum = rfft(rows[block : block + _BLOCK] * _WINDOW, axis=1, overwrite_x=True)
        power[block : block + _BLOCK] = np.square(spectrum.real) + np.square(spectrum.imag)
    return power


def energy_weights() -> NDArray[np.float32]:
    """Weights [1025] that sum the power of a frame to the mean square of its samples (Parseval's theorem)."""
    weights = np.full(BINS, 2.0)
    weights[[0, -1]] = 1.0
    scaled: NDArray[np.float64] = weights / (FFT_SAMPLES * np.square(_WINDOW).sum())
    return scaled.astype(np.float32)
