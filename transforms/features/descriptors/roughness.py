"""Sensory dissonance after Sethares and roughness after Vassilakis: sums over pairs of spectral peaks.

For peaks at f1 < f2 Hz with amplitudes v1 and v2 (Coutinho et al. 2015, by way of MIRtoolbox):

    s = .24 / (.0207 f1 + 18.96)
    b = exp(-3.51 s (f2 - f1)) - exp(-5.75 s (f2 - f1))
    dissonance = sum v1 v2 b
    roughness = sum (v1 v2)^.1 .5 (2 min(v1, v2) / (v1 + v2))^3.11 b
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from transforms.features.descriptors.spectral_peaks import Peaks

F = TypeVar("F", np.float32, np.float64)

# Pairs with s (f2 - f1) above it beat with b < 3e-8, less than single precision sees, and are left out.
FURTHEST = 5.0
_FRAME_HZ = 1e6  # apart by more than any two peaks of one frame
_PAIRS = 16_384  # at a time, so that they stay in the cache
_TINY = np.float32(1e-30)


def beating(low_hz: NDArray[F], apart_hz: NDArray[F]) -> NDArray[F]:
    """How much two tones of amplitude one beat: b, 0 for unison, at most .18. Any shape, `apart_hz` >= 0."""
    scaled = critical_scale(low_hz) * apart_hz
    beats: NDArray[F] = np.exp(-3.51 * scaled) - np.exp(-5.75 * scaled)
    return beats


def critical_scale(low_hz: NDArray[F]) -> NDArray[F]:
    """s, which stretches differences in Hz by the critical band at the lower tone. Any shape."""
    scale: NDArray[F] = 0.24 / (0.0207 * low_hz + 18.96)
    return scale


def fluctuation(first: NDArray[F], second: NDArray[F]) -> NDArray[F]:
    """Vassilakis' weight of two amplitudes above 0, by level and depth of fluctuation. Any shape."""
    # Powers as one exponential of logarithms take less time.
    depth = np.log(2 * np.minimum(first, second) / (first + second))
    weight: NDArray[F] = np.exp(0.1 * (np.log(first) + np.log(second)) + 3.11 * depth) / 2
    return weight


def dissonance_roughness(peaks: Peaks, *, frames: int) -> NDArray[np.float64]:
    """Dissonance and roughness of each frame's peaks: [frames, 2]; 0 below two peaks."""
    hz, amplitude = peaks.hz, np.maximum(peaks.amplitude, _TINY)
    sums = np.zeros((2, frames))
    for low, high in _near_pairs(peaks):
        first, second = amplitude[low], amplitude[high]
        beats = beating(hz[low], hz[high] - hz[low])
        frame = peaks.frame[low]
        sums[0] += np.bincount(frame, weights=first * second * beats, minlength=frames)
        sums[1] += np.bincount(frame, weights=fluctuation(first, second) * beats, minlength=frames)
    return sums.T


def _near_pairs(peaks: Peaks) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Places of the lower and the higher peak of every pair of one frame that is near enough to beat."""
    hz = peaks.hz.astype(np.float64)
    line = peaks.frame * _FRAME_HZ + hz
    own = np.arange(len(hz))
    counts = np.searchsorted(line, line + FURTHEST / critical_scale(hz)) - own - 1
    before = np.concatenate([[0], np.cumsum(counts)])
    edges = np.append(np.searchsorted(before, np.arange(0, before[-1], _PAIRS)), len(hz))
    for first, last in itertools.pairwise(edges):
        low = np.repeat(own[first:last], counts[first:last])
        yield low, np.arange(before[first], before[last]) - before[low] + low + 1
