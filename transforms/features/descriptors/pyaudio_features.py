"""The 34 short-term features of pyAudioAnalysis, from what was summed up in each frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from transforms.features.descriptors.pyaudio_banks import CLASSES, MFCCS, PARTS, Banks
from transforms.features.descriptors.pyaudio_sums import EPS, Sums

NAMES = (
    "zcr",
    "energy",
    "energy_entropy",
    "spectral_centroid",
    "spectral_spread",
    "spectral_entropy",
    "spectral_flux",
    "spectral_rolloff",
    *(f"mfcc_{number}" for number in range(1, MFCCS + 1)),
    *(f"chroma_{number}" for number in range(1, CLASSES + 1)),
    "chroma_std",
)


def features(sums: Sums, banks: Banks) -> NDArray[np.float64]:
    """The features of all frames [m, 34], in the order of NAMES."""
    found = np.empty((len(sums.halves), len(NAMES)))
    energy = sums.energy * banks.bins**2
    found[:, 0] = sums.halves / (2.0 * (banks.window - 1))
    found[:, 1] = energy.sum(axis=1) / banks.window
    found[:, 2] = _entropy(energy)
    found[:, 3], found[:, 4] = _centroid_and_spread(sums.moments, banks.bins)
    found[:, 5] = _entropy(sums.power)
    found[:, 6] = sums.flux
    found[:, 7] = sums.rolloff / banks.bins
    found[:, 8:21] = np.log10(sums.mel + EPS) @ banks.cosines
    total = sums.power.sum(axis=1, keepdims=True)
    found[:, 21:33] = sums.chroma / np.where(total > 0.0, total, EPS)
    found[:, 33] = found[:, 21:33].std(axis=1)
    return found


def _entropy(parts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Entropy in bits [m] of the first ten parts' shares of all parts."""
    share = parts[:, :PARTS] / (parts.sum(axis=1, keepdims=True) + EPS)
    entropy: NDArray[np.float64] = -np.vecdot(share, np.log2(share + EPS))
    return entropy


def _centroid_and_spread(
    moments: NDArray[np.float64], bins: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both over half the rate [m]; zero in silence."""
    sounding = moments[:, 0] > 0.0
    total = np.where(sounding, moments[:, 0], 1.0)
    mean, square = moments[:, 1] / total, moments[:, 2] / total
    # The library counts its bins from one.
    return (mean + 1.0 / bins) * sounding, np.sqrt(np.maximum(square - mean**2, 0.0))
