"""Onsets and their density: how much the envelopes of ten bands rise, and how many such events a second has.

After MIRtoolbox's event density, as Coutinho et al. (2015) use it: frames of 10 s every second. The facts
leave open, and we choose: ten bands of equal width on the ERB scale; their envelopes from frames of 50 ms
every 5 ms; the rise over the length of one frame, each band's falls left out, summed over the bands; an event
is a peak of that curve with a contrast of a tenth of the loudest moment of the frame of 10 s, events nearer
than 75 ms being one (where two notes overlap, the rise has a second peak a frame later). So a steady
tone or a slow swell has none, noise hardly any, and level does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from transforms.features.descriptors.short_frames import BIN_HZ, BINS, FRAMES_PER_SECOND, RATE_HZ

BANDS = 10
LOWEST_HZ = 50.0
EVENT_CONTRAST = 0.1
DENSITY_S = 10

_FRAME_STEPS = round(0.05 * FRAMES_PER_SECOND)
_HALF_FRAME = _FRAME_STEPS // 2
_NEAREST_STEPS = round(0.075 * FRAMES_PER_SECOND)


@dataclass(frozen=True, slots=True)
class OnsetCurve:
    """Level and rise of a track in steps of 5 ms from its start on, both in amplitudes: each [steps]."""

    level: NDArray[np.float64]
    rise: NDArray[np.float64]


def band_envelopes(amplitudes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Amplitudes [frames, 2049] of `amplitude_blocks` -> envelopes of the ten bands [frames, 10]."""
    envelopes: NDArray[np.float32] = np.sqrt(np.square(amplitudes) @ _bands())
    return envelopes


def onset_curve(envelopes: NDArray[np.float32]) -> OnsetCurve:
    """Envelopes [frames, bands] every 5 ms -> their sum and its rise; the start of the track is no rise."""
    rises = np.zeros(len(envelopes))
    later, earlier = envelopes[_FRAME_STEPS:], envelopes[:-_FRAME_STEPS]
    rises[_FRAME_STEPS:] = np.maximum(later - earlier, 0).sum(axis=1, dtype=np.float64)
    # A frame tells of its middle.
    lead = (_HALF_FRAME, 0)
    return OnsetCurve(np.pad(envelopes.sum(axis=1, dtype=np.float64), lead), np.pad(rises, lead))


def event_density(curve: OnsetCurve, *, seconds: NDArray[np.int64]) -> NDArray[np.float64]:
    """Events per second in the 10 s around each of the whole seconds [m]: [m].

    What lies outside the track does not count for the duration.
    """
    events, contrasts = _events(curve.rise)
    starts = np.maximum(0, (seconds * 2 - DENSITY_S) * FRAMES_PER_SECOND // 2)
    ends = np.minimum(len(curve.rise), (seconds * 2 + DENSITY_S) * FRAMES_PER_SECOND // 2)
    first, last = np.searchsorted(events, starts), np.searchsorted(events, ends)
    wanted = EVENT_CONTRAST * loudest(curve, starts, ends)
    counts = [
        np.count_nonzero(contrasts[a:b] >= least) for a, b, least in zip(first, last, wanted, strict=True)
    ]
    density: NDArray[np.float64] = np.array(counts) * FRAMES_PER_SECOND / (ends - starts)
    return density


def loudest(curve: OnsetCurve, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.float64]:
    """Highest level from each start to before its end: steps [m] and [m] -> [m]."""
    level = np.append(curve.level, 0.0)
    highest: NDArray[np.float64] = np.maximum.reduceat(level, np.stack([starts, ends], axis=1).ravel())[::2]
    return highest


def _events(rise: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Steps of all peaks of a rise, 75 ms apart at least, and their contrast."""
    from scipy.signal import find_peaks  # most of a second, only for these

    # A step of silence after the end lets the last rise be a peak.
    places, found = find_peaks(np.append(rise, 0.0), distance=_NEAREST_STEPS, prominence=0.0)
    return places, found["prominences"]


@cache
def _bands() -> NDArray[np.float32]:
    """Which band each bin is in, equal steps of the ERB scale (Glasberg and Moore 1990): [2049, 10]."""
    hz = np.append(np.arange(BINS) * BIN_HZ, LOWEST_HZ)
    scale = 21.4 * np.log10(1 + 0.00437 * hz)
    low, high = scale[-1], 21.4 * np.log10(1 + 0.00437 * RATE_HZ / 2)
    band = np.floor((scale[:-1] - low) / (high - low) * BANDS)
    members: NDArray[np.float32] = (band[:, None] == np.arange(BANDS)).astype(np.float32)
    members.setflags(write=False)
    return members
