"""Windows of frames, periodic, as SciPy makes them, whose package takes most of a second to import."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def hann(samples: int) -> NDArray[np.float64]:
    """Hann's window: [samples]."""
    return _raised_cosine(samples, 0.5)


def hamming(samples: int) -> NDArray[np.float64]:
    """Hamming's window: [samples]."""
    return _raised_cosine(samples, 0.54)


def _raised_cosine(samples: int, level: float) -> NDArray[np.float64]:
    angles = np.linspace(-np.pi, np.pi, samples + 1)[:-1]
    window: NDArray[np.float64] = level + (1.0 - level) * np.cos(angles)
    return window
