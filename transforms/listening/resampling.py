"""Samples of a live signal at the rate that a front end takes, as the decoder would resample a file."""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray


class LiveResampler:
    """Blocks of any length at one rate -> the same signal at another; it runs up to 90 ms behind."""

    def __init__(self, rate_hz: int, wanted_hz: int) -> None:
        self._stream = (
            None if rate_hz == wanted_hz else soxr.ResampleStream(rate_hz, wanted_hz, 1, quality="HQ")
        )

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Samples [n] -> those that are now known at the other rate [m], both float32."""
        return samples if self._stream is None else self._stream.resample_chunk(samples)

    def finish(self) -> NDArray[np.float32]:
        """What is left at the end of the signal: [m] float32."""
        rest = np.zeros(0, np.float32)
        return rest if self._stream is None else self._stream.resample_chunk(rest, last=True)
