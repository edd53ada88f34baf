"""The 68 short-term features by pyAudioAnalysis itself: windows of 50 ms every 50 ms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def reference(samples: NDArray[np.floating | np.int16], *, rate_hz: int) -> NDArray[np.float64]:
    """What the library gives for samples in [-1, 1] as they are: [rows, 68]."""
    return windowed(samples, rate_hz=rate_hz, window_s=0.05, step_s=0.05)


def windowed(
    samples: NDArray[np.floating | np.int16], *, rate_hz: int, window_s: float, step_s: float
) -> NDArray[np.float64]:
    """The same with windows and steps of other lengths, in seconds."""
    from pyAudioAnalysis.ShortTermFeatures import feature_extraction

    features: NDArray[np.float64]
    features, _ = feature_extraction(samples, rate_hz, window_s * rate_hz, step_s * rate_hz)
    return features.T


def names() -> list[str]:
    """The library's names of the 68 values."""
    from pyAudioAnalysis.ShortTermFeatures import feature_extraction

    _, found = feature_extraction(np.ones(800), 16_000, 800, 800)
    return list(found)
