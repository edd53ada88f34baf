"""Tempo of an onset curve, by its autocorrelation over the whole curve and in windows along it.

Liu (2018) takes "the peak whose local autocorrelation is closest to the global one". Read here as: of the
peaks of the global autocorrelation in a range of tempi, those at least half as high as the highest; of
these the one where the mean of the local autocorrelations (an autocorrelation tempogram, Hann windows of
384 frames) is nearest to the global one. Peaks that are as near within 0.05 are multiples of one period
as a rule, and the shortest is taken. Both are of the curve less its mean, scaled to 1 at lag zero and
divided by that of the bare window, without which they fall with the lag, each at its own pace.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

from transforms.features.windows import hann

_WINDOW_FRAMES = 384
_WINDOW = hann(_WINDOW_FRAMES).astype(np.float32)
_FFT_FRAMES = 2 * _WINDOW_FRAMES
_LEAST_HEIGHT, _AS_NEAR = 0.5, 0.05
_LEAST_S = 3.0


@dataclass(frozen=True, slots=True)
class TempoRange:
    """Tempi that are looked for, in beats per minute, and how one of the peaks is chosen."""

    slowest_bpm: float
    fastest_bpm: float
    highest_peak: bool = False


def tempo_bpm(strength: NDArray[np.float32], *, frames_hz: float, wanted: TempoRange) -> float:
    """Tempo of an onset curve [frames] in beats per minute, 0 where it has none.

    A curve below 3 s, a constant one and one without a peak in the range have none.
    """
    curve = strength - strength.mean(dtype=np.float64).astype(np.float32)
    if len(curve) < _LEAST_S * frames_hz or not np.any(curve):
        return 0.0
    slowest, fastest = 60 * frames_hz / wanted.slowest_bpm, 60 * frames_hz / wanted.fastest_bpm
    lags = int(slowest) + 2
    whole = global_autocorrelation(curve, lags=lags)
    peaks = np.flatnonzero((whole[1:-1] >= whole[:-2]) & (whole[1:-1] > whole[2:]) & (whole[1:-1] > 0)) + 1
    peaks = peaks[(peaks >= fastest) & (peaks <= slowest)]
    if not peaks.size:
        return 0.0
    peaks = peaks[whole[peaks] >= _LEAST_HEIGHT * whole[peaks].max()]
    if wanted.highest_peak:
        chosen = int(peaks[np.argmax(whole[peaks])])
    else:
        distance = np.abs(local_autocorrelation(curve, lags=lags)[peaks] - whole[peaks])
        chosen = int(peaks[distance <= distance.min() + _AS_NEAR][0])
    return 60 * frames_hz / _summit(whole, chosen)


def global_autocorrelation(curve: NDArray[np.float32], *, lags: int) -> NDArray[np.float64]:
    """Autocorrelation of the whole curve at lags 0 to `lags` - 1, without the fall of shorter overlaps."""
    size = next_fast_len(len(curve) + lags, real=True)
    spectrum = rfft(curve.astype(np.float64), size)
    products = irfft(spectrum.real**2 + spectrum.imag**2, size)[:lags]
    unbiased: NDArray[np.float64] = products / products[0] * len(curve) / (len(curve) - np.arange(lags))
    return unbiased


def local_autocorrelation(curve: NDArray[np.float32], *, lags: int) -> NDArray[np.float64]:
    """Mean over the frames of the autocorrelations in windows around them, at lags 0 to `lags` - 1.

    The curve runs out linearly to zero over half a window at either end.
    """
    padded = np.pad(curve, _WINDOW_FRAMES // 2, mode="linear_ramp", end_values=0)
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW_FRAMES)[: len(curve)] * _WINDOW
    energy = np.einsum("tw,tw->t", windows, windows)
    spectrum = rfft(windows, _FFT_FRAMES, axis=1, overwrite_x=True)
    share = np.divide(1, energy, out=np.zeros_like(energy), where=energy > 0)
    # The mean of the scaled autocorrelations is one inverse transform of the mean of their spectra.
    mean = share @ np.square(spectrum.real) + share @ np.square(spectrum.imag)
    bare = np.abs(rfft(_WINDOW.astype(np.float64), _FFT_FRAMES)) ** 2
    products, window = (irfft(each, _FFT_FRAMES)[:lags] for each in (mean.astype(np.float64), bare))
    scaled: NDArray[np.float64] = products / len(curve) / (window / window[0])
    return scaled


def _summit(heights: NDArray[np.float64], peak: int) -> float:
    """Place of the parabola's summit through a peak and its neighbours."""
    before, here, after = heights[peak - 1 : peak + 2]
    bend = before - 2 * here + after
    return float(peak + 0.5 * (before - after) / bend) if bend < 0 else float(peak)
