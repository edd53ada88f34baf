"""Tempo of each moment: the period at which the onset curve of 3 s is most like itself.

After MIRtoolbox's tempo, as Coutinho et al. (2015) use it: the autocorrelation of the onset curve in frames
of 3 s, every tenth of that, weighted towards periods that listeners prefer, max(1 - .25 log2(t / .5 s)^2, 0)
(Toiviainen and Snyder 2003), its one highest peak between 40 and 200 beats per minute. The facts leave open,
and we choose: the curve less its mean, each lag's sum divided by its number of terms, so that the weight
alone decides between octaves (180 is given as 90), and a parabola through the peak.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, rfft

from transforms.features.descriptors.onsets import EVENT_CONTRAST, OnsetCurve, loudest
from transforms.features.descriptors.short_frames import FRAMES_PER_SECOND

SLOWEST_BPM, FASTEST_BPM = 40, 200
PREFERRED_S = 0.5
FRAME_STEPS = 3 * FRAMES_PER_SECOND
HOP_STEPS = FRAME_STEPS // 10

_SHORTEST = 60 * FRAMES_PER_SECOND // FASTEST_BPM
_LONGEST = 60 * FRAMES_PER_SECOND // SLOWEST_BPM
_BLOCK_FRAMES = 256


def tempo(curve: OnsetCurve, *, centres: NDArray[np.int64]) -> NDArray[np.float64]:
    """Beats per minute of the frame centred nearest to each step of 5 ms [m], growing: [m].

    A frame stays inside the track, and is the whole track where that is shorter; periods are at most half of
    it. 0 where the frame has no onset (its highest rise is below a tenth of its highest level), or no period.
    """
    length = min(FRAME_STEPS, len(curve.rise))
    middles = (centres + HOP_STEPS // 2) // HOP_STEPS * HOP_STEPS
    starts = np.clip(middles - length // 2, 0, len(curve.rise) - length)
    distinct, of_row = np.unique(starts, return_inverse=True)
    rows = np.lib.stride_tricks.sliding_window_view(curve.rise, length)
    blocks = [distinct[first : first + _BLOCK_FRAMES] for first in range(0, len(distinct), _BLOCK_FRAMES)]
    found = np.concatenate([_frame_tempo(rows[block]) for block in blocks])
    heard = rows[distinct].max(axis=1) >= EVENT_CONTRAST * loudest(curve, distinct, distinct + length)
    return np.where(heard, found, 0.0)[of_row]


def weighted_autocorrelation(rises: NDArray[np.float64], *, longest: int) -> NDArray[np.float64]:
    """Rises [frames, steps] -> autocorrelation coefficients times the preference: [frames, longest + 1]."""
    steps = rises.shape[1]
    spectrum = rfft(rises - rises.mean(axis=1, keepdims=True), n=2 * steps, axis=1)
    sums = irfft(spectrum.real**2 + spectrum.imag**2, n=2 * steps, axis=1)[:, : longest + 1]
    lags = np.arange(longest + 1)
    power = np.maximum(sums[:, :1], 1e-30) / steps
    coefficients: NDArray[np.float64] = sums / (steps - lags) / power * preference(lags / FRAMES_PER_SECOND)
    return coefficients


def preference(period_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much listeners prefer a period: 1 at .5 s, 0 from two octaves off on. Any shape."""
    octaves = np.log2(np.maximum(period_s, 1e-9) / PREFERRED_S)
    weight: NDArray[np.float64] = np.maximum(1.0 - 0.25 * octaves**2, 0.0)
    return weight


def _frame_tempo(rises: NDArray[np.float64]) -> NDArray[np.float64]:
    """Beats per minute of rises [frames, steps], 0 where no lag has a peak: [frames]."""
    longest = min(_LONGEST, rises.shape[1] // 2)
    if longest < _SHORTEST:
        return np.zeros(len(rises))
    curve = weighted_autocorrelation(rises, longest=longest + 1)
    before, here, after = (curve[:, _SHORTEST + step : longest + 1 + step] for step in (-1, 0, 1))
    heights = np.where((here > before) & (here >= after), here, 0.0)
    best = heights.argmax(axis=1)[:, None]
    left, top, right = (np.take_along_axis(values, best, axis=1)[:, 0] for values in (before, here, after))
    offset = 0.5 * (left - right) / np.minimum(left - 2 * top + right, -1e-30)
    lag = _SHORTEST + best[:, 0] + offset
    bpm = np.clip(60.0 * FRAMES_PER_SECOND / lag, SLOWEST_BPM, FASTEST_BPM)
    return np.where(heights.max(axis=1) > 0, bpm, 0.0)
