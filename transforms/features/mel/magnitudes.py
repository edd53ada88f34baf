"""Mel bands of the magnitudes of short frames, which AudioSet's patches and `step-mel` share.

Frames of 25 ms at 16 kHz, periodic Hann window, FFT of 512 -> magnitude -> 64 HTK mel bands with unit peaks,
125-7500 Hz (Hershey et al. 2017, "CNN architectures for large-scale audio classification", section 3, and the
public code of the models).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.signal import get_window

from transforms.features.mel.filter_bank import htk_filter_bank

RATE_HZ = 16_000
WINDOW_SAMPLES, FFT_SAMPLES = 400, 512
BANDS, LOW_HZ, HIGH_HZ = 64, 125.0, 7500.0
# Frames whose spectra fit the cache at once.
BLOCK_FRAMES = 96

_WINDOW = get_window("hann", WINDOW_SAMPLES, fftbins=True)
_GROUP_BANDS = 16


class MelMagnitudes:
    """Memory for the frames of one block, taken once and filled again by each.

    It is in double precision up to the spectra. A transform in single precision leaves so much of a loud
    bass in the quiet bands that their logarithms are off by a thousandth.
    """

    def __init__(self, hop_samples: int) -> None:
        """`hop_samples` lie between the first samples of two frames."""
        self._hop_samples = hop_samples
        self._samples = np.zeros((BLOCK_FRAMES - 1) * hop_samples + WINDOW_SAMPLES)
        self._frames = sliding_window_view(self._samples, WINDOW_SAMPLES)[::hop_samples]
        # What follows each window stays zero.
        self._rows = np.zeros((BLOCK_FRAMES, FFT_SAMPLES))
        self._spectra = np.empty((BLOCK_FRAMES, FFT_SAMPLES // 2 + 1), np.complex128)
        self._inner = np.empty((BLOCK_FRAMES, FFT_SAMPLES // 2 - 1), np.complex64)
        self._magnitudes = np.empty(self._inner.shape, np.float32)

    def fill(self, mel: NDArray[np.float32], samples: NDArray[np.float32]) -> None:
        """Fill mel [m, 64], m <= 96, with the bands of the first m frames of the samples."""
        magnitudes = self._inner_bins(samples, len(mel))
        for bins, bands, weights in _band_groups():
            np.matmul(magnitudes[:, bins], weights, out=mel[:, bands])

    def _inner_bins(self, samples: NDArray[np.float32], count: int) -> NDArray[np.float32]:
        """Magnitudes of bins 1 to 255 of the first `count` frames of the samples: [count, 255]."""
        reach = (count - 1) * self._hop_samples + WINDOW_SAMPLES
        self._samples[:reach] = samples[:reach]
        np.multiply(self._frames[:count], _WINDOW, out=self._rows[:count, :WINDOW_SAMPLES])
        spectra = np.fft.rfft(self._rows[:count], axis=1, out=self._spectra[:count])
        inner = self._inner[:count]
        inner[:] = spectra[:, 1:-1]
        return np.abs(inner, out=self._magnitudes[:count])


@cache
def _band_groups() -> list[tuple[slice, slice, NDArray[np.float32]]]:
    """The filter bank by neighbouring bands: their bins among the inner ones, the bands, the weights there.

    Most of the bank is zero: four products over a few bins take half the time that one over all takes.
    """
    bank = htk_filter_bank(BANDS, fft_samples=FFT_SAMPLES, rate_hz=RATE_HZ, low_hz=LOW_HZ, high_hz=HIGH_HZ)
    groups = []
    for first in range(0, BANDS, _GROUP_BANDS):
        bands = slice(first, first + _GROUP_BANDS)
        weighed = np.flatnonzero(bank[1:-1, bands].any(axis=1))
        bins = slice(int(weighed[0]), int(weighed[-1]) + 1)
        groups.append((bins, bands, np.ascontiguousarray(bank[1:-1][bins, bands])))
    return groups
