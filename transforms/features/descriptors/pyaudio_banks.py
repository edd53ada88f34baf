"""What pyAudioAnalysis weighs the bins of a frame with: mel filters, pitch classes, cosines and moments.

Its quirks are kept, since trained models have seen them (pyAudioAnalysis 0.3.14, ShortTermFeatures):
- a window of N samples has n = N // 2 bins: the highest bin, the Nyquist where N is even, is not seen;
- bins are counted from one for the centroid and the chroma: a tone of 440 Hz is heard as one of 460 Hz;
- the mel filters are laid as if those n bins reached to the rate, not to half of it: they sit at half their
  nominal frequencies, from 67 to 3,427 Hz, in windows of any length;
- of the bins of one semitone only the highest is heard, and it is divided by the number of bins of the
  semitone whose number that semitone has as its place;
- semitones below 27.5 Hz have places below zero, which count from the end of the n places.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct

from transforms.features.samples import refusal

MFCCS = 13
CLASSES = 12
PARTS = 10
# Slaney's filters as Talkbox has them: 13 in equal steps, 27 in equal ratios.
_LINEAR, _LOGARITHMIC = 13, 27
BANDS = _LINEAR + _LOGARITHMIC
_LOW_HZ, _STEP_HZ, _RATIO = 133.33, 200.0 / 3.0, 1.0711703
_LOWEST_A_HZ = 27.5


@dataclass(frozen=True, slots=True)
class Banks:
    """Weights for windows of one length at one rate; n is the number of bins."""

    window: int
    bins: int
    tenths: NDArray[np.float64]  # [n + 1, 10 or more]: one in its tenth, or in what the tenths leave over
    moments: NDArray[np.float64]  # [n + 1, 3]: one, place, place squared; the places go from 0 to 1
    mel: NDArray[np.float64]  # [highest bin that a filter hears + 1, 40]
    cosines: NDArray[np.float64]  # [40, 13]
    chroma_bins: NDArray[np.intp]  # [heard]
    chroma: NDArray[np.float64]  # [heard, 12]


@lru_cache(maxsize=8)
def banks(window: int, rate_hz: int) -> Banks:
    """Weights for windows of `window` samples; raises DataError(bad_input) where the library would fail."""
    bins = window // 2
    heard, chroma = _chroma(bins, rate_hz)
    mel = _mel(bins, rate_hz)
    place = np.arange(bins + 1) / bins
    made = Banks(
        window=window,
        bins=bins,
        tenths=_tenths(bins),
        moments=np.stack([np.ones(bins + 1), place, place**2], axis=1),
        mel=mel,
        cosines=dct(np.eye(BANDS), type=2, norm="ortho", axis=1)[:, :MFCCS].copy(),
        chroma_bins=heard,
        chroma=chroma,
    )
    for weights in (made.tenths, made.moments, made.mel, made.cosines, made.chroma_bins, made.chroma):
        weights.setflags(write=False)
    return made


def _tenths(bins: int) -> NDArray[np.float64]:
    length = bins // PARTS
    part = np.arange(bins) // length
    return np.concatenate([np.eye(part[-1] + 1)[part], np.zeros((1, part[-1] + 1))])


def _mel(bins: int, rate_hz: int) -> NDArray[np.float64]:
    linear = _LOW_HZ + _STEP_HZ * np.arange(_LINEAR)
    edges = np.concatenate([linear, linear[-1] * _RATIO ** np.arange(1, _LOGARITHMIC + 3)])
    if edges[-1] >= rate_hz:
        raise refusal(f"rate_hz is {rate_hz}; the filters of pyaudio-68 need more than {edges[-1]:.0f}")
    heard = int(edges[-1] * bins / rate_hz) + 1
    hz = (np.arange(heard) / bins * rate_hz)[:, None]
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (hz - low) / (centre - low), (high - hz) / (high - centre)
    weights: NDArray[np.float64] = np.maximum(0.0, np.minimum(rising, falling)) * 2.0 / (high - low)
    return weights


def _chroma(bins: int, rate_hz: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Bins that are heard, and what each gives to the pitch classes from A on."""
    hz = np.arange(1, bins + 1) * rate_hz / (2 * bins)
    semitone = np.round(12.0 * np.log2(hz / _LOWEST_A_HZ)).astype(np.intp)
    if not bins or semitone[-1] >= bins:
        raise refusal(f"a window of {2 * bins} samples at {rate_hz} Hz has too few bins for its semitones")
    _, kind, sizes = np.unique(semitone, return_inverse=True, return_counts=True)
    size = sizes[kind]
    owner = np.full(bins, -1)
    owner[semitone] = np.arange(bins)  # the highest bin of a place stays
    place = np.flatnonzero(owner >= 0)
    weights = np.zeros((len(place), CLASSES))
    weights[np.arange(len(place)), place % CLASSES] = 1.0 / size[semitone[place]]
    return owner[place], weights
