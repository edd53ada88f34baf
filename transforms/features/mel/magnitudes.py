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

from transforms.features.mel.filter_bank import htk_filter_bank
from transforms.features.windows import hann

RATE_HZ = 16_000
WINDOW_SAMPLES, FFT_SAMPLES = 400, 512
BANDS, LOW_HZ, HIGH_HZ = 64, 125.0, 7500.0
# Frames of one call of each step: more of them leave the cache, fewer cost more calls.
BLOCK_FRAMES = 192

_WINDOW = hann(WINDOW_SAMPLES)
_GROUP_BANDS = 16


class MelMagnitudes:
    """Memory for the frames of one block, taken once and filled again by each: put samples into `samples`,
    then ask for their bands.

    It is in double precision up to the spectra. A transform in single precision leaves so much of a loud
    bass in the quiet bands that their logarithms are off by a thousandth.
    """

    def __init__(self, hop_samples: int) -> None:
        """`hop_samples` lie between the first samples of two frames."""
        self.samples = np.zeros((BLOCK_FRAMES - 1) * hop_samples + WINDOW_SAMPLES)
        self._frames = sliding_window_view(self.samples, WINDOW_SAMPLES)[::hop_samples]
        # What follows each window stays zero.
        self._rows = np.zeros((BLOCK_FRAMES, FFT_SAMPLES))
        self._spectra = np.empty((BLOCK_FRAMES, FFT_SAMPLES // 2 + 1), np.complex128)
        self._bins = _weighed_bins()
        self._inner = np.empty((BLOCK_FRAMES, self._bins.stop - self._bins.start), np.complex64)
        self._magnitudes = np.empty(self._inner.shape, np.float32)

    def hold(self, samples: NDArray[np.float32]) -> None:
        """Put samples, as many as a block has, at the beginning of `samples`."""
        some = samples[: len(self.samples)]
        self.samples[: len(some)] = some

    def fill(self, mel: NDArray[np.float32]) -> None:
        """Fill mel [m, 64], m <= BLOCK_FRAMES, with the bands of the first m frames of `samples`."""
        magnitudes = self._magnitudes_of(len(mel))
        for bins, bands, weights in _band_groups():
            np.matmul(magnitudes[:, bins], weights, out=mel[:, bands])

    def _magnitudes_of(self, count: int) -> NDArray[np.float32]:
        """Magnitudes of the weighed bins of the first `count` frames: [count, bins]."""
        np.multiply(self._frames[:count], _WINDOW, out=self._rows[:count, :WINDOW_SAMPLES])
        spectra = np.fft.rfft(self._rows[:count], axis=1, out=self._spectra[:count])
        inner = self._inner[:count]
        inner[:] = spectra[:, self._bins]
        return np.abs(inner, out=self._magnitudes[:count])


@cache
def _bank() -> NDArray[np.float32]:
    return htk_filter_bank(BANDS, fft_samples=FFT_SAMPLES, rate_hz=RATE_HZ, low_hz=LOW_HZ, high_hz=HIGH_HZ)


@cache
def _weighed_bins() -> slice:
    """The bins that some band weighs."""
    return _weighed(_bank())


def _weighed(bank: NDArray[np.float32]) -> slice:
    bins = np.flatnonzero(bank.any(axis=1))
    return slice(int(bins[0]), int(bins[-1]) + 1)


@cache
def _band_groups() -> list[tuple[slice, slice, NDArray[np.float32]]]:
    """The filter bank by neighbouring bands: their bins among the weighed ones, the bands, the weights there.

    Most of the bank is zero: four products over a few bins take half the time that one over all takes.
    """
    bank = _bank()[_weighed_bins()]
    groups = []
    for first in range(0, BANDS, _GROUP_BANDS):
        bands = slice(first, first + _GROUP_BANDS)
        bins = _weighed(bank[:, bands])
        groups.append((bins, bands, np.ascontiguousarray(bank[bins, bands])))
    return groups
