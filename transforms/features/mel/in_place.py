"""Spectra of real frames in the frames' own memory."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.fftpack import rfft

Real = TypeVar("Real", bound=np.floating[Any])


def packed_spectra(frames: NDArray[Real]) -> NDArray[Real]:
    """Frames [m, n], n even, which are overwritten -> their spectra [m, n]: bin 0, the real and the imaginary
    part of bins 1 to n / 2 - 1 in turn, bin n / 2.

    `scipy.fft.rfft` gives every block a new array, and the memory pages of that can cost as much time as the
    transform; the older interface transforms in place.
    """
    packed: NDArray[Any] = rfft(frames, axis=1, overwrite_x=True)
    return packed
