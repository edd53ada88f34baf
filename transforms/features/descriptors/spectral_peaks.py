"""Peaks of amplitude spectra by their contrast: how far they rise above the valleys beside them.

The contrast of a peak is the lesser of its falls, to the left and to the right, down to the lowest value
before a higher one or the end of the spectrum. Peaks count from a contrast of .01 of the frame's maximum on
(MIRtoolbox's `Contrast`, as Coutinho et al. 2015 use it); how many there are is not limited.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CONTRAST = 0.01
_TINY = np.float32(1e-30)


@dataclass(frozen=True, slots=True)
class Peaks:
    """Peaks of several frames, one after the other, each frame's from low to high: all [peaks]."""

    frame: NDArray[np.intp]
    hz: NDArray[np.float32]
    amplitude: NDArray[np.float32]


def spectral_peaks(amplitudes: NDArray[np.float32], *, bin_hz: float, contrast: float = CONTRAST) -> Peaks:
    """Peaks of frames [frames, bins] of amplitudes, `bin_hz` apart, the first bin at 0 Hz.

    Place and height are those of a parabola through the logarithms of a peak and its neighbours. The first
    and the last bin are no peaks.
    """
    top = np.maximum(amplitudes.max(axis=1), _TINY)
    frame, place = _candidates(amplitudes, np.float32(contrast) * top)
    kept = _contrasted(amplitudes / top[:, None], frame, place, contrast=contrast)
    frame, place = frame[kept], place[kept]
    logs = np.log(np.maximum(amplitudes[frame[:, None], place[:, None] + np.arange(-1, 2)], _TINY))
    slope, bend = logs[:, 2] - logs[:, 0], logs[:, 0] - 2 * logs[:, 1] + logs[:, 2]
    offset = -0.5 * slope / np.minimum(bend, -_TINY)
    hz = ((place + offset.astype(np.float64)) * bin_hz).astype(np.float32)
    return Peaks(frame, hz, np.exp(logs[:, 1] + 0.25 * slope * offset))


def _candidates(
    amplitudes: NDArray[np.float32], floor: NDArray[np.float32]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Frame and bin of the local maxima that reach their frame's floor: the rest cannot have the contrast."""
    inner = amplitudes[:, 1:-1]
    maxima = (inner > amplitudes[:, :-2]) & (inner >= amplitudes[:, 2:]) & (inner >= floor[:, None])
    frame, place = np.divmod(np.flatnonzero(maxima), inner.shape[1])
    return frame, place + 1


def _contrasted(
    levels: NDArray[np.float32], frame: NDArray[np.intp], place: NDArray[np.intp], *, contrast: float
) -> NDArray[np.intp]:
    """Which of the candidates rise by the contrast above the valleys on both sides."""
    from scipy.signal import find_peaks  # most of a second, only for these

    frames, bins = levels.shape
    # Each frame becomes wall, valley, candidate, valley, candidate, valley: all that contrast depends on.
    starts = np.arange(frames) * bins
    tops = frame * bins + place
    cuts = np.insert(tops, np.searchsorted(tops, starts), starts)
    valleys = np.minimum.reduceat(levels.ravel(), cuts)
    heights = levels.ravel()[cuts].astype(np.float64)
    walls = np.searchsorted(cuts, starts)
    heights[walls] = np.inf
    profile = np.stack([heights, valleys], axis=1).ravel()
    found, _ = find_peaks(profile, height=(contrast, 2.0), prominence=contrast)
    cut = found // 2
    return cut - np.searchsorted(walls, cut)
