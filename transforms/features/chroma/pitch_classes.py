"""Twelve pitch classes of a power spectrum: every bin belongs to its nearest pitch, A4 = 440 Hz.

The pitches are those of eight whole octaves, C1 (32.7 Hz) to B8 (7,902 Hz), so that no class has more
pitches than another.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from transforms.features.chroma.bands import Bands, bands
from transforms.features.chroma.spectrum import BINS, FFT_SAMPLES, RATE_HZ

PITCH_CLASSES = ("c", "c_sharp", "d", "d_sharp", "e", "f", "f_sharp", "g", "g_sharp", "a", "a_sharp", "b")
_C1_MIDI, _A4_MIDI, _A4_HZ = 24, 69, 440.0
_OCTAVES = 8
# A part 120 dB below its frame is what the arithmetic left of it, in single precision.
_RESIDUE = 1e-12


def chroma(parts: NDArray[np.float32]) -> NDArray[np.float32]:
    """Power of each pitch class, scaled to a maximum of 1: parts [p, frames, 1025] -> [p, frames, 12].

    A frame of a part that is silent beside the sum of the parts is zero. Liu (2018), chroma.
    """
    count, frames, _ = parts.shape
    pitches = _pitches().sum(parts.reshape(count * frames, BINS))
    classes = pitches.reshape(count, frames, _OCTAVES, len(PITCH_CLASSES)).sum(axis=2)
    loudest = classes.max(axis=2, keepdims=True)
    audible = (loudest > np.float32(_RESIDUE) * classes.sum(axis=(0, 2))[:, None]) & (loudest > 0)
    scaled: NDArray[np.float32] = np.where(audible, classes / np.where(audible, loudest, 1), 0)
    return scaled


@cache
def _pitches() -> Bands:
    """One column for each pitch, with the bins that it is nearest to."""
    bins = np.arange(1, BINS)
    midi = np.rint(_A4_MIDI + 12 * np.log2(bins * RATE_HZ / FFT_SAMPLES / _A4_HZ)).astype(int)
    weights = np.zeros((BINS, _OCTAVES * 12), np.float32)
    inside = (midi >= _C1_MIDI) & (midi < _C1_MIDI + weights.shape[1])
    weights[bins[inside], midi[inside] - _C1_MIDI] = 1.0
    return bands(weights)
