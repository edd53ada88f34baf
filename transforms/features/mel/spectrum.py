"""Power spectrum of a whole track on one frame grid, in one call or block by block.

Frame j is centred on sample j * hop + hop / 2 and covers [j * hop - 128, j * hop + 384): the "SAME"
padding of Amiriparian et al. (2019), CRNN front end: 320,000 samples (20 s) give 1,250 frames.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.signal import get_window

from transforms.features.mel.in_place import packed_spectra
from transforms.features.samples import check_samples

RATE_HZ = 16_000
FFT_SAMPLES = 512
HOP_SAMPLES = 256
LEAD_SAMPLES = (FFT_SAMPLES - HOP_SAMPLES) // 2
BINS = FFT_SAMPLES // 2 + 1

_WINDOW = get_window("hann", FFT_SAMPLES, fftbins=True)
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
    return np.concatenate(list(stream_power([samples])))


def stream_power(blocks: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
    """The rows of `power_spectrum` of the joined blocks, with constant memory: [m, 257] float32 each."""
    pending = np.zeros(LEAD_SAMPLES, np.float32)
    for block in blocks:
        pending = np.concatenate([pending, block])
        frames = (len(pending) - FFT_SAMPLES) // HOP_SAMPLES + 1
        if frames > 0:
            yield _power(pending, frames)
            pending = pending[frames * HOP_SAMPLES :]
    # What is left begins a hop's lead before the next frame's own samples.
    frames = frame_count(len(pending) - LEAD_SAMPLES)
    if frames > 0:
        wanted = (frames - 1) * HOP_SAMPLES + FFT_SAMPLES
        yield _power(np.pad(pending, (0, wanted - len(pending))), frames)


def _power(samples: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """In double precision up to the power: a transform in single precision leaves so much of a loud bass in
    quiet bands that their levels are off by a hundredth of a decibel."""
    rows = np.lib.stride_tricks.sliding_window_view(samples, FFT_SAMPLES)[::HOP_SAMPLES][:frames]
    power = np.empty((frames, BINS), np.float32)
    for first in range(0, frames, _BLOCK_FRAMES):
        out = power[first : first + _BLOCK_FRAMES]
        packed = packed_spectra(rows[first : first + _BLOCK_FRAMES] * _WINDOW)
        packed *= packed
        out[:, 0], out[:, -1] = packed[:, 0], packed[:, -1]
        np.add(packed[:, 1:-1:2], packed[:, 2:-1:2], out=out[:, 1:-1], casting="same_kind")
    return power
