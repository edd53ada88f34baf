"""The log-mel of Amiriparian et al. (2019) by librosa, normalised per track."""

from __future__ import annotations

import librosa
import numpy as np
from numpy.typing import NDArray

RATE_HZ = 16_000


def reference(samples: NDArray[np.floating], *, rate_hz: int) -> NDArray[np.floating]:
    """Normalised log-mel [ceil(n / 256), 64], as precise as the samples."""
    assert rate_hz == RATE_HZ
    padded = np.pad(samples, (128, 128 + -len(samples) % 256))
    power = librosa.feature.melspectrogram(
        y=padded, sr=RATE_HZ, n_fft=512, hop_length=256, center=False, n_mels=64, fmin=125, fmax=7500
    )
    # Square root before the level, so 10 log10 of an amplitude; the floor is librosa's own 80 dB.
    level = librosa.power_to_db(np.sqrt(power), ref=np.max).T
    deviation = level.std(axis=0)
    normalised: NDArray[np.floating] = (level - level.mean(axis=0)) / np.where(
        deviation > 1e-5, deviation, 1.0
    )
    return normalised
