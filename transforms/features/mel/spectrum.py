"""Power spectrum of a whole track on one frame grid, in one call or block by block.

Frame j is centred on sample j * hop + hop / 2 and covers [j * hop - 128, j * hop + 384): the "SAME"
padding of Amiriparian et al. (2019), CRNN front end: 320,000 samples (20 s) give 1,250 frames.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from transforms.features.mel.in_place import packed_spectra
from transforms.features.samples import check_samples
from transforms.features.windows import hann

RATE_HZ = 16_000
FFT_SAMPLES = 512
HOP_SAMPLES = 256
LEAD_SAMPLES = (FFT_SAMPLES - HOP_SAMPLES) // 2
BINS = FFT_SAMPLES // 2 + 1

_WINDOW = hann(FFT_SAMPLES)
# Frames whose spectra fit the cache at once.
_BLOCK_FRAMES = 64


def frame_count(total_samples: int) -> int:
    """Frames of a track: one for each hop begun."""
    return -(-total_samples // HOP_SAMPLES)


def power_spectrum(samples: NDArray[np.float32], *, rate_hz: int = RATE_HZ) -> NDArray[np.float32]:
    """Power of every frame: samples [n] float32 at 16 kHz -> [ceil(n / 256), 257] float32.

    Raises DataError(bad_input): see `check_samples`.
    """
    check_samples(samples, rate_hz=rate_hz, wanted_hz=RATE_HZ)
    stream = PowerStream()
    return np.concatenate([stream.push(samples), stream.finish()])


@dataclass(slots=True)
class PowerStream:
    """The rows of `power_spectrum` of blocks that come one after the other, with constant memory."""

    _pending: NDArray[np.float32] = field(default_factory=lambda: np.zeros(LEAD_SAMPLES, np.float32))

    def push(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take the next samples: [n] float32 -> power of the frames that they complete [m, 257], m >= 0."""
        self._pending = np.concatenate([self._pending, block])
        frames = max(0, (len(self._pending) - FFT_SAMPLES) // HOP_SAMPLES + 1)
        power = _power(self._pending, frames)
        self._pending = self._pending[frames * HOP_SAMPLES :]
        return power

    def finish(self) -> NDArray[np.float32]:
        """Power of the last frames [m, 257], which silence fills."""
        # What is left begins a hop's lead before the next frame's own samples.
        frames = max(0, frame_count(len(self._pending) - LEAD_SAMPLES))
        wanted = (frames - 1) * HOP_SAMPLES + FFT_SAMPLES
        return _power(np.pad(self._pending, (0, max(0, wanted - len(self._pending)))), frames)


def _power(samples: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """In double precision up to the power: a transform in single precision leaves so much of a loud bass in
    quiet bands that their levels are off by a hundredth of a decibel."""
    power = np.empty((frames, BINS), np.float32)
    if not frames:
        return power
    rows = np.lib.stride_tricks.sliding_window_view(samples, FFT_SAMPLES)[::HOP_SAMPLES][:frames]
    for first in range(0, frames, _BLOCK_FRAMES):
        out = power[first : first + _BLOCK_FRAMES]
        packed = packed_spectra(rows[first : first + _BLOCK_FRAMES] * _WINDOW)
        packed *= packed
        out[:, 0], out[:, -1] = packed[:, 0], packed[:, -1]
        np.add(packed[:, 1:-1:2], packed[:, 2:-1:2], out=out[:, 1:-1], casting="same_kind")
    return power
