"""Onset strength: how much louder the mel bands get from one frame to the next."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from transforms.features.chroma.bands import Bands, bands
from transforms.features.chroma.spectrum import FFT_SAMPLES, HOP_SAMPLES, RATE_HZ
from transforms.features.mel.filter_bank import filter_bank

_MEL_BANDS = 128
_FLOOR_POWER, _RANGE_DB = 1e-10, 80.0
_DB_OF_NEPER = 10.0 / np.log(10.0)
# One frame for the difference, and half a window until a click stands in the frame's middle.
_DELAY_FRAMES = 1 + FFT_SAMPLES // (2 * HOP_SAMPLES)


def onset_strength(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean rise in dB over 128 mel bands: power [frames, 1025] -> [frames] float32.

    Levels are held within 80 dB of the loudest. The first three frames are zero: librosa's alignment.
    """
    mel = _mel().sum(power)
    np.log(np.maximum(mel, np.float32(_FLOOR_POWER), out=mel), out=mel)
    mel *= np.float32(_DB_OF_NEPER)
    np.maximum(mel, mel.max() - np.float32(_RANGE_DB), out=mel)
    rise = np.maximum(mel[1:] - mel[:-1], np.float32(0)).mean(axis=1)
    strength = np.zeros(len(mel), np.float32)
    strength[_DELAY_FRAMES:] = rise[: max(0, len(mel) - _DELAY_FRAMES)]
    return strength


@cache
def _mel() -> Bands:
    bank = filter_bank(_MEL_BANDS, fft_samples=FFT_SAMPLES, rate_hz=RATE_HZ, low_hz=0.0, high_hz=RATE_HZ / 2)
    return bands(bank)
